// The colours change in place when other ones are chosen. Without this, the form reloads the page.
"use strict";

document.addEventListener("theme", (event) => {
  document.documentElement.dataset.theme = event.detail.value;
  for (const button of document.querySelectorAll("button[name=theme]")) {
    button.ariaPressed = String(button.value === event.detail.value);
  }
});
