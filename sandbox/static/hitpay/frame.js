/* Inside the drop-in's frame: told by the shop's page what is to be paid, it goes to that page. */
{
  const { shop } = document.currentScript.dataset;

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || origin !== shop || data.type !== "toggle") return;
    const { defaultUrl, checkoutOptions } = data.props;
    const page = new URL(defaultUrl, location);
    if (!page.pathname.endsWith("/checkout") && checkoutOptions.paymentRequest) {
      page.pathname = `${page.pathname.replace(/\/$/, "")}/${checkoutOptions.paymentRequest}/checkout`;
    }
    if (page.origin === location.origin && page.pathname.endsWith("/checkout")) {
      location.replace(`${page.pathname}?drop_in=1`);
    } else {
      parent.postMessage({ type: "error", error: "There is no such payment link." }, shop);
    }
  });

  parent.postMessage({ type: "loaded" }, shop);
}
