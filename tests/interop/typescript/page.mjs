// A page of another origin: the SDK's data client, pictures and films by link.
import * as VIAM from "./sdk.mjs";
import { refused, same, steps } from "./steps.mjs";

const ends = (target, event) =>
  new Promise((resolve, reject) => {
    target.addEventListener(event, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error(`no ${event}: ${target.error?.message ?? target.src}`)));
  });

/** A picture of one colour, as a PNG. */
async function picture() {
  const canvas = new OffscreenCanvas(32, 16);
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(10, 200, 30)";
  context.fillRect(0, 0, 32, 16);
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
}

/** Minutes of sound as a WAV, in which a time is a place in the file; too large to be loaded at once. */
function sound(seconds) {
  const rate = 44_100, size = seconds * rate * 4;
  const bytes = new Uint8Array(44 + size);
  const view = new DataView(bytes.buffer);
  const write = (at, text) => bytes.set(new TextEncoder().encode(text), at);
  write(0, "RIFF"), write(8, "WAVEfmt "), write(36, "data");
  [[4, 36 + size], [16, 16], [24, rate], [28, rate * 4], [40, size]].forEach(([at, n]) => view.setUint32(at, n, true));
  [[20, 1], [22, 2], [32, 4], [34, 16]].forEach(([at, n]) => view.setUint16(at, n, true));
  return bytes;
}

/** A film of a second, recorded from a canvas. */
async function film() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm; codecs=vp8" });
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  recorder.start();
  for (let at = 0; at < 20; at += 1) {
    context.fillStyle = `hsl(${at * 18}, 100%, 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  recorder.stop();
  await ends(recorder, "stop");
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** The ranges that are asked for from now on, as first byte and status. */
async function ranges() {
  const seen = [];
  navigator.serviceWorker.addEventListener("message", (event) => seen.push(event.data));
  const controlled = ends(navigator.serviceWorker, "controllerchange");
  await navigator.serviceWorker.register("watch.mjs", { type: "module" });
  await controlled;
  return seen;
}

export async function run({ target, refuses, ...given }) {
  const connect = (credentials) => VIAM.createViamClient({ serviceHost: target, credentials });
  const report = await steps(VIAM, connect, given);
  const { dataClient } = await connect({ type: "api-key", authEntity: given.authEntity, payload: given.payload });
  const now = new Date();
  const link = async (bytes, extension) => {
    const camera = ["rdk:component:camera", "cam", "ReadImage"];
    const id = await dataClient.binaryDataCaptureUpload(bytes, given.part, ...camera, extension, [now, now]);
    return dataClient.createBinaryDataSignedURL(id, 5);
  };

  const image = new Image();
  image.crossOrigin = "anonymous"; // else its pixels could not be read
  image.src = await link(await picture(), ".png");
  await ends(image, "load");
  const canvas = new OffscreenCanvas(32, 16);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  same([image.naturalWidth, [...context.getImageData(31, 15, 1, 1).data]], [32, [10, 200, 30, 255]]);

  const seen = await ranges();
  const long = document.createElement("video");
  long.crossOrigin = "anonymous"; // else the status would not be seen
  long.src = await link(sound(480), ".wav"); // 84 MB
  await ends(long, "loadedmetadata");
  same(Math.round(long.duration), 480);
  long.currentTime = 470;
  await ends(long, "seeked");
  same(long.currentTime, 470);
  const far = seen.filter(([first]) => first > 80_000_000).map(([, status]) => status);
  same([...new Set(far)], [206]);

  const short = document.createElement("video");
  short.muted = true;
  short.src = await link(await film(), ".webm");
  document.body.append(short);
  await ends(short, "loadeddata");
  await short.play();
  await ends(short, "ended");
  same([short.videoWidth, short.videoHeight], [300, 150]);

  // Another server that lets no page in: the browser says no more than this.
  const elsewhere = VIAM.createViamClient({
    serviceHost: refuses,
    credentials: { type: "api-key", authEntity: given.authEntity, payload: given.payload },
  });
  await refused(elsewhere, "Failed to fetch");
  return report;
}
