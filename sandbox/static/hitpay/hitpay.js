/* The sandbox's stand-in for the script of HitPay's drop-in. It runs in the shop's page and frames
   the hosted page over it, full screen. */
{
  const own = new URL(document.currentScript.src);
  let link;
  let options = {};
  let callbacks = {};
  let frame = null;
  let checkoutOptions = {};

  const origin = () => `${options.scheme}://${options.domain}`;

  function close(data) {
    frame.remove();
    frame = null;
    callbacks.onClose?.(data);
  }

  addEventListener("message", ({ source, origin: from, data }) => {
    if (!frame || source !== frame.contentWindow || from !== origin()) return;
    if (data.type === "loaded") {
      const props = { defaultUrl: link, ...options, checkoutOptions };
      frame.contentWindow.postMessage({ type: "toggle", props }, origin());
    } else if (data.type === "success") {
      callbacks.onSuccess?.(data);
    } else if (data.type === "toggle") {
      close(data);
    } else if (data.type === "error") {
      callbacks.onError?.(data.error);
      if (options.closeOnError) close(data);
    }
  });

  window.HitPay = {
    inited: false,

    init(defaultLink, given = {}, told = {}) {
      const defaults = { scheme: own.protocol.slice(0, -1), domain: own.host, path: "/hitpay" };
      link = defaultLink;
      options = { ...defaults, closeOnError: false, ...given };
      callbacks = told;
      this.inited = true;
    },

    toggle(asked = {}) {
      if (frame) {
        close({});
        return;
      }
      checkoutOptions = asked;
      frame = document.createElement("iframe");
      frame.title = "HitPay";
      frame.allow = "payment";
      frame.src = `${origin()}${options.path}/hitpay-iframe.html`;
      Object.assign(frame.style, {
        position: "fixed",
        inset: "0",
        inlineSize: "100%",
        blockSize: "100%",
        border: "0",
        zIndex: "2147483647",
      });
      document.body.append(frame);
    },
  };
}
