// Tells the page which ranges its media asked for, and with what status they were answered.
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const range = event.request.headers.get("range");
  if (range === null) return;
  const answered = fetch(event.request).then(async (response) => {
    const pages = await clients.matchAll();
    pages.forEach((page) => page.postMessage([Number(range.match(/\d+/)[0]), response.status]));
    return response;
  });
  event.respondWith(answered);
});
