/* The hosted page inside the drop-in's frame: tells the shop's page how it ended. */
{
  const { tell, shop } = document.currentScript.dataset;

  if (tell) {
    parent.postMessage({ type: tell, error: document.querySelector("h2").textContent }, shop);
  }
}
