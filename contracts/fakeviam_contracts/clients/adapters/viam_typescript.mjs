// The adapter of Viam's TypeScript SDK in Node, over gRPC. Copy it into a folder, and there:
//
//     npm install @viamrobotics/sdk @connectrpc/connect-node@1.7.0
//     fakeviam contract client -- node viam_typescript.mjs
//
// `clients/protocol.py` describes what it speaks, and `viam_sdk.py` does the same in Python.
import { readFile } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { Struct } from "@bufbuild/protobuf";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

console.log = console.error; // standard output is the protocol's
const VIAM = await import("@viamrobotics/sdk");

// Methods whose names are not those of the documentation in camel case.
const NAMES = {
  list_datasets_by_organization_id: "listDatasetsByOrganizationID",
  list_dataset_by_ids: "listDatasetsByIds",
};
const SOURCE = ["part_id", "resource_name", "resource_subtype", "method_name"];
const BOX = ["x_min_normalized", "y_min_normalized", "x_max_normalized", "y_max_normalized"];
const CAPTURE = ["part_id", "component_type", "component_name", "method_name"];
// Arguments by their places; what is in no list, the method does not take.
const PLACES = {
  tabular_data_by_filter: ["filter", "limit", "sort_order", "last", "count_only", "include_internal_data"],
  binary_data_by_filter: ["filter", "limit", "sort_order", "last", "include_file_data", "count_only", "include_internal_data"],
  binary_data_by_ids: ["binary_ids", "include_file_data"],
  delete_tabular_data: ["organization_id", "delete_older_than_days"],
  delete_binary_data_by_filter: ["filter", "include_internal_data"],
  delete_binary_data_by_ids: ["binary_ids"],
  add_tags_to_binary_data_by_ids: ["tags", "binary_ids"],
  add_tags_to_binary_data_by_filter: ["tags", "filter"],
  remove_tags_from_binary_data_by_ids: ["tags", "binary_ids"],
  remove_tags_from_binary_data_by_filter: ["tags", "filter"],
  tags_by_filter: ["filter"],
  add_bounding_box_to_image_by_id: ["binary_id", "label", ...BOX],
  remove_bounding_box_from_image_by_id: ["binary_id", "bbox_id"],
  bounding_box_labels_by_filter: ["filter"],
  configure_database_user: ["organization_id", "password"],
  get_database_connection: ["organization_id"],
  add_binary_data_to_dataset_by_ids: ["binary_ids", "dataset_id"],
  remove_binary_data_from_dataset_by_ids: ["binary_ids", "dataset_id"],
  create_dataset: ["name", "organization_id"],
  delete_dataset: ["id"],
  rename_dataset: ["id", "name"],
  list_datasets_by_organization_id: ["organization_id"],
  list_dataset_by_ids: ["ids"],
  tabular_data_capture_upload: ["tabular_data", ...CAPTURE, "data_request_times", "tags"],
  binary_data_capture_upload: ["binary_data", ...CAPTURE, "file_extension", "data_request_times", "tags", "dataset_ids"],
  get_latest_tabular_data: SOURCE,
  export_tabular_data: [...SOURCE, "start_time", "end_time"],
  file_upload: ["data", "part_id"],
};
// What 0.15.0 called otherwise, and what is not optional here.
const RENAMED = { resource_api: "resource_subtype" };
const WANTED = ["data_request_times"];
// Arguments in the object that comes last.
const OPTIONS = {
  file_upload: ["component_type", "component_name", "method_name", "file_name", "file_extension", "tags", "dataset_ids"],
};
const QUIET = ["get_latest_tabular_data", "export_tabular_data"];
// The names of the codes of gRPC, from 1 on.
const STATUSES = [
  "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
  "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
];

class Unsupported extends Error {}

const camel = (name) => name.replace(/_([a-z])/gu, (_, letter) => letter.toUpperCase());

/** An argument as JavaScript has it. */
function argument(value, client) {
  if (Array.isArray(value)) return value.map((each) => argument(each, client));
  if (value === null || typeof value !== "object") return value;
  const [[key, inner] = []] = Object.entries(value);
  if (key === "$bytes") return new Uint8Array(Buffer.from(inner, "base64"));
  if (key === "$time") return new Date(/(?:Z|[+-]\d\d:\d\d)$/u.test(inner) ? inner : `${inner}Z`);
  if (key === "$id") return new VIAM.dataApi.BinaryID(renamed(inner));
  if (key === "$filter") return filterOf(inner, client);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, argument(each, client)]));
}

const renamed = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, each]) => [camel(name), each]));

function filterOf(fields, client) {
  const known = VIAM.dataApi.Filter.fields.list().map((field) => field.localName);
  const options = renamed(argument(fields, client));
  for (const name of Object.keys(options)) {
    if (![...known, "tags", "startTime", "endTime"].includes(name)) {
      throw new Unsupported(`createFilter has no ${name}`);
    }
  }
  return client.constructor.createFilter(options);
}

/** The arguments of a method, each in its place. */
function placed(method, args, client) {
  const places = PLACES[method] ?? [];
  const options = OPTIONS[method] ?? [];
  const own = NAMES[method] ?? camel(method);
  for (const name of Object.keys(args)) {
    if (!places.includes(name) && !options.includes(name)) throw new Unsupported(`${own} has no ${name}`);
  }
  for (const name of WANTED) {
    if (places.includes(name) && !(name in args)) throw new Unsupported(`${own} wants ${name}`);
  }
  const values = places.map((name) => argument(args[name], client));
  const more = Object.entries(args).filter(([name]) => options.includes(name));
  const last = more.length > 0 ? [argument(renamed(Object.fromEntries(more)), client)] : [];
  return [...values, ...last];
}

/** A result as JSON has it. */
function plain(value) {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Date) return { $time: value.toISOString() };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const file = ({ binary, metadata }) =>
  ({
    id: metadata.binaryDataId,
    data: binary,
    file_name: metadata.fileName,
    component_name: metadata.captureMetadata?.componentName,
    tags: metadata.captureMetadata?.tags,
  });
const reading = ({ data, timeRequested, timeReceived, metadata }) => ({
  data,
  time_requested: timeRequested,
  time_received: timeReceived,
  component_name: metadata?.componentName,
  tags: metadata?.tags,
});

function result(method, value) {
  if (QUIET.includes(method)) return null;
  if (method === "tabular_data_by_filter") return { ...value, data: undefined, records: value.data.map(reading) };
  if (method === "binary_data_by_filter") return { ...value, data: undefined, records: value.data.map(file) };
  if (method === "binary_data_by_ids") return { records: value.map(file) };
  if (method.startsWith("list_dataset")) return value.map(({ id, name }) => ({ id, name }));
  return value;
}

/** How gRPC reaches the target, and what goes along with each call. */
async function transportTo(target, metadata, caFile) {
  const path = target.startsWith("unix:") ? target.slice("unix:".length) : "";
  const url = path ? "http://localhost" : target;
  const node = path
    ? { createConnection: () => openSocket(path) }
    : { ca: caFile ? await readFile(caFile) : undefined };
  const session = new Http2SessionManager(url, undefined, node);
  const carry = (next) => (request) => {
    for (const [name, value] of Object.entries(metadata)) request.header.set(name, value);
    return next(request);
  };
  const factory = (options) =>
    createGrpcTransport({ ...options, httpVersion: "2", interceptors: [carry], sessionManager: session });
  return { url, session, factory };
}

async function done({ method, args = {}, target, metadata = {} }) {
  const { api_key_id: authEntity, api_key: payload, ca_file: caFile, ...more } = args;
  const rest = Object.fromEntries(Object.entries(more).map(([name, each]) => [RENAMED[name] ?? name, each]));
  const carried = method === "log_in" ? {} : metadata; // a login brings a token of its own
  const { url, session, factory } = await transportTo(target, carried, caFile);
  globalThis.VIAM = { GRPC_TRANSPORT_FACTORY: factory };
  try {
    if (method === "log_in") {
      const credentials = { type: "api-key", authEntity, payload };
      const client = await VIAM.createViamClient({ serviceHost: url, credentials });
      return await client.dataClient.tagsByFilter();
    }
    const credentials = { type: "access-token", payload: "of the metadata" };
    const { dataClient } = await VIAM.createViamClient({ serviceHost: url, credentials });
    const name = NAMES[method] ?? camel(method);
    if (typeof dataClient[name] !== "function") throw new Unsupported(`${name} does not exist`);
    return result(method, await dataClient[name](...placed(method, rest, dataClient)));
  } finally {
    session.abort();
  }
}

function failure(error) {
  if (error instanceof Unsupported) return { kind: "unsupported", text: error.message };
  if (typeof error?.code === "number" && "rawMessage" in error) {
    return { kind: "grpc", status: STATUSES[error.code - 1], text: error.rawMessage };
  }
  // The SDK complains about arguments with a bare Error.
  const kinds = { TypeError: "type", RangeError: "value", Error: "value" };
  return { kind: kinds[error?.name] ?? "other", text: `${error?.name}: ${error?.message}` };
}

async function answer(request) {
  if (request.method === "describe") {
    const installed = new URL("../package.json", import.meta.resolve("@viamrobotics/sdk"));
    const { name, version } = JSON.parse(await readFile(installed, "utf8"));
    return { ok: true, result: { name, version, paging: "caller" } };
  }
  try {
    return { ok: true, result: plain(await done(request)) };
  } catch (error) {
    return { ok: false, error: failure(error) };
  }
}

let buffer = Buffer.alloc(0);
for await (const piece of process.stdin) {
  buffer = Buffer.concat([buffer, piece]);
  while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE(0)) {
    const end = 4 + buffer.readUInt32BE(0);
    const request = Struct.fromBinary(buffer.subarray(4, end)).toJson();
    buffer = buffer.subarray(end);
    const body = Struct.fromJson({ id: request.id, ...(await answer(request)) }).toBinary();
    const size = Buffer.alloc(4);
    size.writeUInt32BE(body.length);
    process.stdout.write(Buffer.concat([size, body]));
  }
}
process.exit(0);
