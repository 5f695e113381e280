// A sentence when an answer to htmx is an error, or there is none: htmx itself shows nothing then.
"use strict";

const SENTENCES = {
  400: "This page is too old, or its cookies are gone. Please allow cookies, reload it, and try again.",
  404: "This is not there any more. Please reload the page.",
  429: "Slowly, please: that was too often. Please wait a minute, and try again.",
  503: "The shop is very busy. Nothing is lost. Please try again in a moment.",
};
const BROKEN = "Something broke on our side. Nothing is lost. Please try again in a minute.";
const REFUSED = "That did not work. Please reload the page, and try again.";
const SILENT = "The shop does not answer. Are you online? Please try again in a moment.";
const KEEPS_ASKING = "We cannot tell you right now how your payment stands. This page keeps asking.";

let failed = null; // the verb of the request that the sentence is about

function say(sentence) {
  document.querySelector("#trouble").textContent = sentence;
}

function onError({ detail }) {
  const { status } = detail.xhr;
  failed = detail.requestConfig.verb;
  if (failed === "get") {
    say(KEEPS_ASKING); // only the wait for a payment asks by itself
    return;
  }
  say(SENTENCES[status] ?? (status >= 500 ? BROKEN : status ? REFUSED : SILENT));
  // What is sent when it changes shows again what is true. Other fields keep what was typed.
  if (detail.elt.matches("[hx-trigger*=change]")) {
    detail.elt.closest("form").reset();
  }
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, onError);
}
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.requestConfig.verb === failed) {
    failed = null;
    say("");
  }
});
