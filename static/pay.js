// A student's page. Without this script everything works on the sandbox; with real cards the card's
// fields and the bank's question are Stripe's, and need it.
"use strict";

const bill = document.querySelector(".bill");
const fault = document.getElementById("fault");
let busy = false;

const say = (text) => { fault.textContent = text; };
const again = () => location.replace(location.href);

// A second click on the same button is the same attempt; it need not even leave the browser.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") event.preventDefault();
    busy = true;
    form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", (event) => { if (event.persisted) again(); });

async function post(fields) {
  const answer = await fetch(location.href, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  const told = await answer.json();
  if (!told.stage) throw new Error(told.detail || "");
  return told;
}

// While something is not known yet, Stripe is asked every few seconds; less often as time goes by.
function look(seconds, left) {
  if (!left) return;
  setTimeout(async () => {
    try {
      if (!busy && (await post({ do: "ask" })).stage !== bill.dataset.stage && !busy) return again();
    } catch { /* The network is away for a moment: the next look may find it. */ }
    look(Math.min(seconds * 1.2, 60), left - 1);
  }, seconds * 1000);
}
if (bill.dataset.look) look(Number(bill.dataset.look), 60);

const card = document.getElementById("stripe-card");
const confirming = document.getElementById("stripe-confirm");
const needed = card || confirming;

if (needed && !window.Stripe) {
  say("Stripe can’t be reached, and cards are its part. Check your connection and load the page again.");
} else if (needed) {
  const stripe = window.Stripe(needed.dataset.publishableKey);
  if (card) takeCard(stripe);
  else confirming.querySelector("[data-confirm]")?.addEventListener("click", () =>
    during(confirming, () => confirm(stripe, confirming.dataset.clientSecret)));
}

// One thing at a time; what went wrong is said, and the form can be used again.
async function during(form, work) {
  if (busy) return;
  busy = true;
  form.setAttribute("aria-busy", "true");
  say("");
  try {
    if (await work()) return again();
  } catch {
    say("We could not reach the shop. Press again: the same attempt can’t happen twice.");
  }
  busy = false;
  form.removeAttribute("aria-busy");
}

// The bank asks in a window of Stripe's. How it ended is asked of our server, which asks Stripe.
async function confirm(stripe, clientSecret) {
  const { error } = await stripe.handleNextAction({ clientSecret });
  await post({ do: "ask" });
  if (error) say(error.message);
  return true;
}

async function attempt(stripe, payment_method) {
  const told = await post({ do: "pay", key: card.elements.key.value, payment_method });
  if (told.fault) { say(told.fault); return false; }
  return told.client_secret ? confirm(stripe, told.client_secret) : true;
}

function takeCard(stripe) {
  const { mode, amount, currency, capture } = card.dataset;
  const saves = mode === "setup" || "saves" in card.dataset;
  const elements = stripe.elements({
    mode,
    currency,
    ...(mode === "payment" && { amount: Number(amount), captureMethod: capture }),
    ...(saves && { setupFutureUsage: "off_session" }),
    paymentMethodTypes: ["card"],
    paymentMethodCreation: "manual",
    appearance: appearance(),
  });
  const pay = card.querySelector("[data-pay]");
  const fields = elements.create("payment");
  fields.on("ready", () => { pay.disabled = false; });
  fields.on("loaderror", ({ error }) => say(error.message));
  fields.mount("#card-fields");
  let made = null;
  fields.on("change", () => { made = null; });
  card.addEventListener("submit", (event) => {
    event.preventDefault();
    during(card, async () => {
      if (!made) {
        const checked = await elements.submit();
        if (checked.error) { say(checked.error.message); return false; }
        const created = await stripe.createPaymentMethod({ elements });
        if (created.error) { say(created.error.message); return false; }
        made = created.paymentMethod.id;
      }
      return attempt(stripe, made);
    });
  });
  card.querySelector("[data-saved]")?.addEventListener("click", () =>
    during(card, () => attempt(stripe, "saved")));
}

// Stripe's fields live in a frame of its own: our colours have to be told.
function appearance() {
  const style = getComputedStyle(bill);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = document.documentElement.dataset.theme;
  const night = theme === "dark" || (theme === "system" && dark);
  return {
    theme: night ? "night" : "stripe",
    variables: {
      colorText: style.color,
      colorBackground: style.backgroundColor,
      colorPrimary: getComputedStyle(card.querySelector(".button")).color,
      fontFamily: style.fontFamily,
      borderRadius: "4px",
    },
  };
}
