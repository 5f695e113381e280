// Ticks in every <time data-countdown>, also in those that htmx swaps in. Without it, the time of day stands there.
"use strict";

function tick() {
  for (const time of document.querySelectorAll("[data-countdown]")) {
    const seconds = Math.max(0, Math.round((new Date(time.dateTime) - Date.now()) / 1000));
    time.textContent = `Good for another ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", tick);
