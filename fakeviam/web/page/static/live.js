// Calls appear as they happen: the server says that there are more, htmx fetches the list again.
"use strict";
const list = document.getElementById("calls");
if (list && list.dataset.events) {
  const source = new EventSource(list.dataset.events);
  source.addEventListener("calls", () => htmx.trigger(list, "more"));
  window.addEventListener("pagehide", () => source.close());
}
document.addEventListener("click", event => {
  const button = event.target.closest("button[data-copy]");
  if (button) {
    const text = button.dataset.copy || document.getElementById(button.dataset.from).textContent;
    const say = word => {
      button.textContent = word;
      setTimeout(() => { button.textContent = "copy"; }, 2000);
    };
    // Browsers have no clipboard for pages that came over plain HTTP from another machine.
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say("copied"), () => say("refused by the browser"));
    else say("only over HTTPS or on this machine: select it");
  }
});
document.addEventListener("change", event => {
  if (event.target.matches("select[data-submit]")) event.target.form.submit();
});

// Files and folders that are dropped, each by its path below what was dropped.
async function filesOf(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) return [[path, await new Promise((done, failed) => entry.file(done, failed))]];
  const reader = entry.createReader(), found = [];
  for (;;) { // a reader gives a part at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    for (const each of some) found.push(...await filesOf(each, `${path}/`));
  }
}
async function dropped(zone, carried) {
  const entries = [...carried.items].map(item => item.webkitGetAsEntry()).filter(Boolean);
  const form = zone.closest("form"), body = new FormData(form);
  body.delete("files");
  const plain = [...carried.files].map(file => [file.name, file]);
  const found = entries.length ? (await Promise.all(entries.map(each => filesOf(each, "")))).flat() : plain;
  for (const [path, file] of found) body.append("files", file, path);
  const reply = await fetch(form.getAttribute("action"), { method: "POST", body });
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  document.querySelector("main").replaceWith(page.querySelector("main"));
}
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    const zone = event.target.closest("[data-drop]");
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle("over", kind !== "dragleave");
    if (kind !== "drop") return;
    zone.firstChild.textContent = "sending…";
    dropped(zone, event.dataTransfer).catch(error => { zone.firstChild.textContent = `not sent: ${error.message}`; });
  });
}
