/* Inside the drop-in's frame: told by the shop's page what is to be paid, it goes to that page. */
{
  const { shop } = document.currentScript.dataset;

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || origin !== shop || data.type !== "toggle") return;
    const { defaultUrl, checkoutOptions } = data.props;
    const page = new URL(defaultUrl, location);
    const { paymentRequest, method, amount } = checkoutOptions;
    if (!page.pathname.endsWith("/checkout") && paymentRequest) {
      page.pathname = `${page.pathname.replace(/\/$/, "")}/${paymentRequest}/checkout`;
    }
    page.search = new URLSearchParams({
      drop_in: 1,
      ...(method && { method }),
      ...(amount && !paymentRequest && { amount }),
    });
    if (page.origin === location.origin && page.pathname.includes("/payment-request/@")) {
      location.replace(page);
    } else {
      parent.postMessage({ type: "error", error: "There is no such payment link." }, shop);
    }
  });

  parent.postMessage({ type: "loaded" }, shop);
}
