// Looks at every view of the page in Chromium, at three sizes, light and dark; then watches calls
// appear and plans a fault. Arguments: the address, the browser, and a folder for pictures or "".
import { chromium } from "playwright-core";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const [origin, executablePath, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const SIZES = [[400, 800], [1024, 768], [1920, 1080]];
const faults = [];
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function opened(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => { faults.push(`${page.url()}: a dialog`); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) {
      faults.push(`${page.url()}: asks for ${request.url()}`);
    }
  });
  return page;
}

async function first(page, view, selector) {
  await page.goto(`${origin}/ui/${view}`);
  return (await page.locator(selector).first().getAttribute("href")).slice("/ui/".length);
}

const guide = await opened({});
const views = {
  calls: "calls",
  call: await first(guide, "calls", "#calls td a"),
  why: "why/" + (await first(guide, "calls?rpc=BinaryDataByFilter", "#calls td a")).split("/")[1],
  files: "files",
  file: await first(guide, "files?component_name=cam", ".card a"),
  readings: "readings?component_name=thermometer",
  query: "query?text=" + encodeURIComponent('[{"$match": {"component_name": "thermometer"}}, {"$limit": 5}]'),
  datasets: "datasets",
  dataset: await first(guide, "datasets", "td a"),
  "dataset-of-sequences": await first(guide, "datasets", "tr:last-child td a"),
  sequences: "sequences",
  sequence: await first(guide, "sequences", "td a"),
  pipelines: "pipelines",
  pipeline: await first(guide, "pipelines", "td a"),
  "saved-query": "query?prefix=warm&text=" + encodeURIComponent('[{"$limit": 3}]'),
  points: await first(guide, "files?mime_type=pointcloud/pcd", ".card a"),
  policy: "policy",
  point: "policy/unknown_ids",
  fleet: "fleet",
  controls: "controls",
  snapshots: "snapshots?a=before",
  compare: "compare?a=1&b=2",
};
if (pictures) mkdirSync(pictures, { recursive: true });
const axes = await browser.newContext({ bypassCSP: true }); // axe is a script from elsewhere
for (const [name, view] of Object.entries(views)) {
  await guide.goto(`${origin}/ui/${view}`);
  for (const [width, height] of SIZES) {
    await guide.setViewportSize({ width, height });
    const wide = await guide.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    if (wide > 0) faults.push(`${view} is ${wide} px wider than ${width}`);
    if (pictures && width === 1024) await guide.screenshot({ path: `${pictures}/${name}.png` });
  }
  for (const colorScheme of name.length % 2 ? ["light"] : ["dark"]) {
    const page = await axes.newPage();
    await page.emulateMedia({ colorScheme });
    await page.goto(`${origin}/ui/${view}`);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    for (const each of violations) {
      if (["serious", "critical"].includes(each.impact)) {
        faults.push(`${view} (${colorScheme}): ${each.id}: ${each.nodes.map((node) => node.html).slice(0, 2)}`);
      }
    }
    await page.close();
  }
}

// With the keyboard alone: past the menu, to the files, through the filter, into a file.
async function tabTo(selector) {
  for (let press = 0; press < 100; press += 1) {
    await guide.keyboard.press("Tab");
    if (await guide.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  faults.push(`${guide.url()}: Tab does not reach ${selector}`);
}
await guide.emulateMedia({ colorScheme: "dark" });
await guide.setViewportSize({ width: 400, height: 800 });
await guide.goto(`${origin}/ui/calls`);
await tabTo("a.skip");
await tabTo('nav a[href="/ui/files"]');
await guide.keyboard.press("Enter");
await guide.waitForURL(/ui\/files$/);
await tabTo('input[name="component_name"]');
await guide.keyboard.type("cam");
await guide.keyboard.press("Enter");
await guide.waitForURL(/component_name=cam/);
await tabTo(".card a");
const outline = await guide.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
if (outline === "none") faults.push("what has the focus does not show it");
await guide.keyboard.press("Enter");
await guide.locator("h2", { hasText: "Calls that were about it" }).waitFor();
await guide.setViewportSize({ width: 1024, height: 768 });

// Files that are dropped are loaded; what is wrong in one is shown with its line.
async function drop(make, ...given) {
  await guide.goto(`${origin}/ui/controls`);
  const carried = await guide.evaluateHandle(make, given);
  await guide.dispatchEvent("[data-drop]", "drop", { dataTransfer: carried });
}
function written([name, text]) {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  return carried;
}
async function filmed() {
  const canvas = document.createElement("canvas");
  const recorder = new MediaRecorder(canvas.captureStream(25));
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const stopped = new Promise((done) => { recorder.onstop = done; });
  recorder.start();
  for (let frame = 0; frame < 25; frame += 1) {
    canvas.getContext("2d").fillRect(frame * 5, frame, 20, 20);
    await new Promise((done) => setTimeout(done, 40));
  }
  recorder.stop();
  await stopped;
  const carried = new DataTransfer();
  carried.items.add(new File(pieces, "film.mp4"));
  return carried;
}
await drop(written, "lab.yaml", "datasets:\n- name: dropped\n");
await guide.locator(".message", { hasText: "It held 1 dataset" }).waitFor();
const known = faults.length;
await drop(written, "bad.yaml", "datasets:\n- nam: dropped\n");
await guide.locator("td", { hasText: "bad.yaml" }).first().waitFor();
faults.splice(known); // a browser reports each page that refuses as an error

// A film is played from any place in it.
await drop(filmed);
await guide.locator(".message", { hasText: "It held 1 file" }).waitFor();
await guide.goto(`${origin}/ui/${await first(guide, "files?mime_type=video/mp4", ".card a")}`);
const sought = await guide.locator("video").evaluate((video) => new Promise((done) => {
  video.onseeked = () => done(video.currentTime);
  video.onerror = () => done(video.error.message);
  const seek = () => { video.currentTime = 0.5; };
  if (video.readyState >= 1) seek(); else video.onloadedmetadata = seek;
}));
if (sought !== 0.5) faults.push(`the film stands at ${sought}`);

// A call appears, without a reload.
await guide.goto(`${origin}/ui/calls?rpc=TagsByFilter`);
await guide.waitForFunction(() => typeof htmx !== "undefined");
say("watching");
await guide.locator("#calls td", { hasText: "TagsByFilter" }).first().waitFor({ timeout: 10000 });
say("appeared");

// A fault is planned by the form, with the keyboard, and seen to fire.
await guide.goto(`${origin}/ui/controls`);
const form = guide.locator("form", { has: guide.locator('input[value="plan"]') });
await form.locator('input[name="rpc"]').fill("TagsByFilter");
await form.locator('input[name="rpc"]').press("Enter");
await guide.locator(".message", { hasText: "planned" }).waitFor();
say("planned");
await guide.waitForTimeout(0);
for await (const line of process.stdin) if (String(line).includes("called")) break;
await guide.goto(`${origin}/ui/controls`);
await guide.locator("td", { hasText: "UNAVAILABLE" }).waitFor();
const hits = await guide.locator('section:has(h2:text("Faults")) td a').count();
if (hits !== 1) faults.push(`the fault has hit ${hits} calls`);
await browser.close();
say({ faults });
process.exit(0);
