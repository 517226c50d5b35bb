// What programs do with Viam's TypeScript SDK: node client.mjs PORT KEY_ID KEY PART [grpc]
import assert from "node:assert/strict";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as VIAM from "@viamrobotics/sdk";

const [port, authEntity, payload, part, transport] = process.argv.slice(2);
if (transport === "grpc") {
  const make = (options) => createGrpcTransport({ httpVersion: "2", ...options });
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: make };
}
const connect = (credentials) =>
  VIAM.createViamClient({ serviceHost: `http://localhost:${port}`, credentials });
const client = await connect({ type: "api-key", authEntity, payload });
const refused = (call, text) => assert.rejects(call, (error) => error.message.includes(text));

// The fleet, from the top down.
const apps = client.appClient;
const [organization] = await apps.listOrganizations();
assert.equal(organization.name, "fake-org");
const [location] = await apps.listLocations(organization.id);
assert.equal(location.robotCount, 1);
const [robot] = await apps.listRobots(location.id);
const [found] = await apps.getRobotParts(robot.id);
assert.equal(found.id, part);
await refused(apps.getRobot("fake-robot"), "is a name, its id is");
await refused(apps.listFragments(organization.id), "cloud.replies.on('ListFragments')");

// Data: in, tagged, boxed, in datasets, out again.
const data = client.dataClient;
const now = new Date();
const camera = ["camera", "cam", "ReadImage"];
const upload = (bytes) =>
  data.binaryDataCaptureUpload(bytes, part, ...camera, ".jpg", [now, now], ["morning"]);
const id = await upload(new TextEncoder().encode("a picture"));
await data.tabularDataCaptureUpload(
  [{ n: 1 }], part, "sensor", "thermometer", "Readings", [[now, now]]);
const filter = new VIAM.dataApi.Filter({ componentName: "cam" });
assert.equal((await data.binaryDataByFilter(filter, 5)).data.length, 1);
assert.equal((await data.tabularDataByFilter(undefined, 5)).data.length, 1);
assert.deepEqual(await data.tagsByFilter(filter), ["morning"]);
await data.addTagsToBinaryDataByIds(["evening"], [id]);
assert.equal(await data.removeTagsFromBinaryDataByIds(["morning"], [id]), 1n);
const box = await data.addBoundingBoxToImageById(id, "dog", 0.1, 0.1, 0.9, 0.9);
assert.deepEqual(await data.boundingBoxLabelsByFilter(filter), ["dog"]);
await data.removeBoundingBoxFromImageById(id, box);
const dataset = await data.createDataset("cats", organization.id);
await refused(data.createDataset("cats", organization.id), "[A39]");
await data.renameDataset(dataset, "dogs");
await data.addBinaryDataToDatasetByIds([id], dataset);
assert.equal((await data.listDatasetsByOrganizationID(organization.id))[0].name, "dogs");
assert.equal((await data.listDatasetsByIds([dataset])).length, 1);
await data.removeBinaryDataFromDatasetByIds([id], dataset);
await data.deleteDataset(dataset);
const [{ metadata }] = await data.binaryDataByIds([id]);
const headers = { key_id: authEntity, key: payload };
const image = await fetch(metadata.uri, { headers });
assert.equal(await image.text(), "a picture");
const large = await upload(new Uint8Array(100_000_000));
const uri = metadata.uri.replace(id, large);
const tail = await fetch(uri, { headers: { ...headers, range: "bytes=-3" } });
assert.equal((await tail.arrayBuffer()).byteLength, 3);
assert.equal(await data.deleteBinaryDataByIds([id, large]), 2n);
assert.equal(await data.deleteTabularData(organization.id, 0), 1n);
await refused(connect({ type: "api-key", authEntity, payload: "wrong" }), "[AU-4]");
console.log("fine");
process.exit(0);
