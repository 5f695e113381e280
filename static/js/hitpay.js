/* HitPay's drop-in over this page. HitPay's own script stands before this one; when it did not come,
   or breaks, the shopper leaves for the plain page. What it reports is a hint: the order's page
   asks what is true. */
{
  const place = document.querySelector("#drop-in");
  const button = place.querySelector("a");
  const { url, request, link, scheme, domain, apiDomain, path } = place.dataset;

  const leave = () => location.replace(url);

  const open = () => {
    place.hidden = true;
    window.HitPay.toggle({ paymentRequest: request });
  };

  const callbacks = {
    onSuccess() {
      const back = new URL(place.dataset.return);
      back.searchParams.set("reference", request);
      back.searchParams.set("status", "completed");
      location.replace(back);
    },
    onClose() {
      place.hidden = false;
      button.focus();
    },
    onError: leave,
  };

  try {
    if (!window.HitPay.inited) {
      window.HitPay.init(link, { scheme, domain, apiDomain, path }, callbacks);
    }
    button.addEventListener("click", (event) => {
      event.preventDefault();
      open();
    });
    open();
  } catch {
    leave();
  }
}
