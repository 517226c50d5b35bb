// What programs do with Viam's TypeScript SDK, in Node and in a page: every method of its data client.
// A release that lacks a method skips what needs it; an RPC that the server does not serve is reported.

const json = (value) =>
  JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}n` : each));

/** Fails unless both are the same as JSON. */
export function same(found, expected) {
  if (json(found) !== json(expected)) throw new Error(`expected ${json(expected)}, got ${json(found)}`);
}

/** Fails unless the call is refused with that text. */
export async function refused(call, text) {
  let result;
  try {
    result = await call;
  } catch (error) {
    if (!error.message.includes(text)) throw error;
    return;
  }
  throw new Error(`not refused, but answered ${json(result)}`);
}

const UNIMPLEMENTED = 12;

/**
 * Drives the SDK; answers what was not driven.
 * `streams` tells whether requests can be streams, `largest` how many bytes a large file has.
 */
export async function steps(VIAM, connect, { authEntity, payload, part, streams, largest }) {
  const client = await connect({ type: "api-key", authEntity, payload });
  const called = new Set(["constructor"]);
  const unserved = [];
  const data = new Proxy(client.dataClient, {
    get(target, name) {
      if (typeof target[name] !== "function") return target[name];
      return async (...values) => {
        const result = await target[name](...values);
        called.add(name);
        return result;
      };
    },
  });
  const has = (name) => typeof client.dataClient[name] === "function";
  /** Runs what needs these methods; those whose RPC the server does not serve are noted. */
  const ifServed = async (names, work) => {
    if (!has(names[0])) return;
    try {
      await work();
    } catch (error) {
      if (error.code !== UNIMPLEMENTED || !error.message.includes("cloud.replies")) throw error;
      unserved.push(...names.filter((name) => has(name) && !called.has(name)));
    }
  };

  // The fleet, from the top down.
  const apps = client.appClient;
  const [organization] = await apps.listOrganizations();
  const owner = organization.id;
  same(organization.name, "fake-org");
  const [location] = await apps.listLocations(owner);
  same(location.robotCount, 1);
  const [robot] = await apps.listRobots(location.id);
  const [found] = await apps.getRobotParts(robot.id);
  same(found.id, part);
  await refused(apps.getRobot("fake-robot"), "is a name, its id is");
  await refused(apps.listFragments(owner), "cloud.replies.on('ListFragments')");

  // Files: in, tagged, boxed, in datasets.
  const now = new Date();
  const camera = ["rdk:component:camera", "cam", "ReadImage"];
  const picture = new TextEncoder().encode("a picture");
  const dataset = await data.createDataset("cats", owner);
  const upload = (bytes) =>
    data.binaryDataCaptureUpload(bytes, part, ...camera, ".jpg", [now, now], ["morning"]);
  const id = await upload(picture);
  const filter = new VIAM.dataApi.Filter({ componentName: "cam" });
  const page = await data.binaryDataByFilter(filter, 5, undefined, undefined, true);
  same([page.data.length, new TextDecoder().decode(page.data[0].binary)], [1, "a picture"]);
  same((await data.binaryDataByFilter(filter, 0, undefined, "", false, true)).count, 1n);
  same(await data.tagsByFilter(filter), ["morning"]);
  await data.addTagsToBinaryDataByIds(["evening"], [id]);
  same(await data.removeTagsFromBinaryDataByIds(["morning"], [id]), 1n);
  await data.addTagsToBinaryDataByFilter(["noon"], filter);
  same(await data.removeTagsFromBinaryDataByFilter(["evening"], filter), 1n);
  same(await data.tagsByFilter(filter), ["noon"]);
  const box = await data.addBoundingBoxToImageById(id, "dog", 0.1, 0.1, 0.9, 0.9);
  same(await data.boundingBoxLabelsByFilter(filter), ["dog"]);
  if (has("updateBoundingBox")) {
    await data.updateBoundingBox(id, box, "cat", 0.1, 0.1, 0.8, 0.8);
    same(await data.boundingBoxLabelsByFilter(filter), ["cat"]);
  }
  await data.removeBoundingBoxFromImageById(id, box);
  await refused(data.createDataset("cats", owner), "[A39]");
  await data.renameDataset(dataset, "dogs");
  await data.addBinaryDataToDatasetByIds([id], dataset);
  same((await data.listDatasetsByOrganizationID(owner))[0].name, "dogs");
  same((await data.listDatasetsByIds([dataset])).length, 1);
  const inDataset = new VIAM.dataApi.Filter({ datasetId: dataset });
  same((await data.binaryDataByFilter(inDataset, 5)).data.length, 1);
  await data.removeBinaryDataFromDatasetByIds([id], dataset);
  await data.deleteDataset(dataset);
  await refused(data.renameDataset("nobody", "x"), "nobody");

  // Readings: in, and out by every query.
  const [subtype, name, method] = ["rdk:component:sensor", "thermometer", "Readings"];
  const bare = (value) => value.readings ?? value;
  await data.tabularDataCaptureUpload([{ n: 1 }], part, subtype, name, method, [[now, now]]);
  same((await data.tabularDataByFilter(undefined, 5)).data.map((each) => bare(each.data)), [{ n: 1 }]);
  const [row] = await data.exportTabularData(part, name, subtype, method);
  same([row.resourceName, bare(row.payload)], [name, { n: 1 }]);
  const [, , latest] = await data.getLatestTabularData(part, name, subtype, method);
  same(bare(latest), { n: 1 });
  const sql = "SELECT component_name FROM readings LIMIT 5";
  same((await data.tabularDataBySQL(owner, sql)).map((each) => each.component_name), [name]);
  const stages = [{ $match: { component_name: name } }, { $count: "all" }];
  same((await data.tabularDataByMQL(owner, stages)).map((each) => Number(each.all)), [1]);
  await data.configureDatabaseUser(owner, "a-Long-Password-1");
  same((await data.getDatabaseConnection(owner)).length > 0, true);

  // What not every server serves.
  await ifServed(["createIndex", "listIndexes", "deleteIndex"], async () => {
    const hot = VIAM.dataApi.IndexableCollection.HOT_STORE;
    await data.createIndex(owner, hot, { keys: { component_name: 1 } });
    const made = (await data.listIndexes(owner, hot)).map((each) => each.indexName);
    await data.deleteIndex(owner, hot, made.find((each) => each.includes("component_name")));
  });
  const pipelines = ["createDataPipeline", "listDataPipelines", "getDataPipeline", "listDataPipelineRuns"];
  await ifServed([...pipelines, "deleteDataPipeline"], async () => {
    const query = [{ $match: { component_name: name } }];
    const made = await data.createDataPipeline(owner, "hourly", query, "0 * * * *", false);
    same((await data.listDataPipelines(owner)).map((each) => each.id), [made]);
    same((await data.getDataPipeline(made)).name, "hourly");
    same((await data.listDataPipelineRuns(made, 5)).runs.length, 0);
    await data.deleteDataPipeline(made);
  });

  // Files by link, and large ones.
  const [{ metadata }] = await data.binaryDataByIds([id]);
  const headers = { key_id: authEntity, key: payload };
  same(await (await fetch(metadata.uri, { headers })).text(), "a picture");
  if (has("createBinaryDataSignedURL")) {
    const link = await data.createBinaryDataSignedURL(id, 5);
    same(await (await fetch(link)).text(), "a picture");
  }
  const large = await upload(new Uint8Array(largest));
  const uri = metadata.uri.replace(id, large);
  const tail = await fetch(uri, { headers: { ...headers, range: "bytes=-3" } });
  same([tail.status, (await tail.arrayBuffer()).byteLength], [206, 3]);
  if (has("fileUpload") && streams) {
    const file = await data.fileUpload(picture, part, { fileName: "a.txt", tags: ["file"] });
    same((await data.binaryDataByIds([file]))[0].metadata.captureMetadata.tags, ["file"]);
  } else if (has("fileUpload")) {
    await refused(data.fileUpload(picture, part), "does not support streaming request bodies");
    called.add("fileUpload"); // as far as it goes: no request leaves the SDK
  }
  if (has("createFilter")) same((await data.createFilter({ componentName: "cam" })).componentName, "cam");

  // Out again.
  same(await data.deleteBinaryDataByIds([id]), 1n);
  same(await data.deleteBinaryDataByFilter(filter), 1n);
  same(await data.deleteTabularData(owner, 0), 1n);
  await refused(connect({ type: "api-key", authEntity, payload: "wrong" }), "[AU-4]");

  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(client.dataClient));
  const missing = methods.filter((each) => !called.has(each) && !unserved.includes(each));
  return { unserved: unserved.sort(), missing: missing.sort() };
}
