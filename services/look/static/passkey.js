// Asks the browser's authenticator for what a page's form waits for, and sends the form with it. The form names the
// ceremony in data-passkey ("get" or "create") and holds the options in data-options; its button with data-start begins.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;

  const bytes = (text) => {
    const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const asked = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    if (options.excludeCredentials) options.excludeCredentials = described(options.excludeCredentials);
    if (options.allowCredentials) options.allowCredentials = described(options.allowCredentials);
    return { publicKey: options };
  };

  const sent = (made) => {
    const response = { clientDataJSON: text(made.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = text(made.response[name]);
    }
    if (made.response.getTransports) response.transports = made.response.getTransports();
    return JSON.stringify({
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      clientExtensionResults: made.getClientExtensionResults(),
      response,
    });
  };

  const start = form.querySelector("[data-start]");
  const failure = form.querySelector("[data-failure]");
  start.hidden = false;
  start.addEventListener("click", async () => {
    failure.hidden = true;
    start.disabled = true;
    try {
      form.elements.credential.value = sent(await navigator.credentials[form.dataset.passkey](asked()));
      form.submit();
    } catch {
      failure.hidden = false;
      start.disabled = false;
    }
  });
})();
