// node node.mjs PORT KEY_ID KEY PART BYTES TRANSPORT; prints what was not driven.
import * as connectNode from "@connectrpc/connect-node";
import * as VIAM from "@viamrobotics/sdk";
import { steps } from "./steps.mjs";

const [port, authEntity, payload, part, bytes, transport] = process.argv.slice(2);
const { createConnectTransport, createGrpcTransport, createGrpcWebTransport } = connectNode;
const packed = { sendCompression: connectNode.compressionGzip, compressMinBytes: 1 };
const TRANSPORTS = {
  grpc: [createGrpcTransport, { httpVersion: "2" }],
  "grpc, packed": [createGrpcTransport, { httpVersion: "2", ...packed }],
  "grpc-web over 2": [createGrpcWebTransport, { httpVersion: "2" }],
  "grpc-web over 1.1, packed": [createGrpcWebTransport, { httpVersion: "1.1", ...packed }],
  "connect over 1.1": [createConnectTransport, { httpVersion: "1.1", useBinaryFormat: true }],
  "connect JSON over 2, packed": [createConnectTransport, { httpVersion: "2", useBinaryFormat: false, ...packed }],
};
if (transport !== "default") {
  const [create, more] = TRANSPORTS[transport];
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: (options) => create({ ...options, ...more }) };
}
const connect = (credentials) =>
  VIAM.createViamClient({ serviceHost: `http://localhost:${port}`, credentials });
const given = { authEntity, payload, part, streams: transport !== "default", largest: Number(bytes) };
console.log(JSON.stringify(await steps(VIAM, connect, given)));
process.exit(0);
