// What the desk does beyond plain pages: dialogs, the theme, keys, the sentence that follows an
// amount. Every page and every movement works without this file.
"use strict";

const root = document.documentElement;
const dialog = document.getElementById("dialog");
const dialogBody = document.getElementById("dialog-body");
const dialogTrouble = document.getElementById("dialog-trouble");
let opener = null;
let shownFor = null;
root.classList.add("js");

// Light or dark, at once; the server keeps the same choice for the next page.
document.querySelector(".themes")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  event.preventDefault();
  root.dataset.theme = button.value;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `holdfast_theme=${button.value}; path=/; max-age=31536000; samesite=lax${secure}`;
  for (const one of button.form.querySelectorAll("button")) {
    one.setAttribute("aria-pressed", String(one === button));
  }
});

// The menu of a narrow window closes as a menu does: by Escape, or by a click beside it.
const menu = document.querySelector(".menu");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu?.open) return;
  menu.open = false;
  menu.firstElementChild.focus();
});
document.addEventListener("click", (event) => {
  if (menu?.open && !menu.contains(event.target)) menu.open = false;
});

// Dialogs: whoever opened one gets the focus back, even when the page under it was replaced.
function closeDialog() {
  if (dialog.open) dialog.close();
}

// The browser tells of a close a moment later: by then a key may have asked for the next form.
dialog?.addEventListener("close", () => {
  dialogBody.replaceChildren();
  dialogTrouble.replaceChildren();
  const back = shownFor && document.getElementById(shownFor);
  const row = shownFor && document.getElementById(shownFor.replace(/^[a-z]+-/, "open-"));
  (back || row || document.getElementById("next") || document.getElementById("main")).focus();
  if (opener === shownFor) opener = null;
});

// What was sent is on its way: its answer needs the dialog to be read in.
const sending = () => dialogBody?.querySelector("form.htmx-request");
dialog?.addEventListener("cancel", (event) => sending() && event.preventDefault());

document.addEventListener("click", (event) => {
  const trigger = event.target.closest("[data-dialog]");
  if (trigger) opener = trigger.id;
  const dismiss = event.target.closest("[data-dismiss]");
  // An error alone in its dialog closes with it; above a form or a page it leaves them be.
  if (dismiss && dismiss.closest("dialog") && !dialogBody.firstElementChild) closeDialog();
  else if (dismiss) dismiss.closest(".trouble").replaceChildren();
  if (event.target.closest("[data-close]") && !sending()) event.target.closest("dialog").close();
  if (event.target.closest("[data-keys-help]")) document.getElementById("keys").showModal();
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, requestConfig } = event.detail;
  // A form that was older than its person's session is told the new session's proof.
  const proof = xhr.getResponseHeader("X-CSRF-Token");
  if (proof) for (const field of document.querySelectorAll('input[name="_csrf"]')) field.value = proof;
  // A poll that comes back after its dialog was closed has nothing to fill any more. What came of
  // something that was sent is always told.
  const ours = target === dialogBody || target === dialogTrouble;
  if (ours && requestConfig.verb === "get" && !dialog.open && !opener) event.detail.shouldSwap = false;
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail;
  if (target.id === "trouble") target.scrollIntoView({ block: "nearest" });
  if (target !== dialogBody && target !== dialogTrouble) return;
  shownFor = opener;
  if (!dialog.open && target.firstElementChild && !dialogBody.querySelector("[data-finished]")) dialog.showModal();
  if (target === dialogTrouble) {
    dialog.scrollTop = 0;
    if (!dialogBody.firstElementChild) target.querySelector("button, a")?.focus();
    return;
  }
  dialogTrouble.replaceChildren();
  if (dialogBody.querySelector("[data-finished]")) return closeDialog();
  dialogBody.querySelector("[autofocus]")?.focus();
  dialogBody.querySelectorAll("form[data-movement]").forEach(follow);
});

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(failure, () => {
    const place = dialog?.open ? dialogTrouble : document.getElementById("trouble");
    place.replaceChildren(document.getElementById("offline").content.cloneNode(true));
  });
}

// The consequence and the last button follow the amount while it is typed. The server checks
// again: it takes only the amount that the button named.
function parseAmount(text, decimals) {
  const match = /^\s*[^\d\s.,-]{0,3}\s*(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?\s*[A-Za-z]{0,3}\s*$/.exec(text);
  if (!match || (match[2] || "").length > decimals) return null;
  return Number(match[1].replaceAll(",", "") + (match[2] || "").padEnd(decimals, "0"));
}

function follow(form) {
  const { most, base, decimals, currency, verb } = form.dataset;
  const money = new Intl.NumberFormat("en-US", { style: "currency", currency });
  const said = (minor) => money.format(minor / 10 ** decimals);
  const amount = form.elements.amount;
  if (!amount) return;
  const update = () => {
    const part = form.elements.scope.value === "part";
    form.querySelector(".part").classList.toggle("open", part);
    const typed = part ? parseAmount(amount.value, Number(decimals)) : Number(most);
    const usable = typed !== null && typed > 0 && typed <= Number(most);
    const taken = usable ? typed : Number(most);
    const rest = Number(base) - taken;
    form.elements.agreed.value = part && typed !== null ? typed : taken;
    for (const one of form.querySelectorAll("[data-taken]")) one.textContent = said(taken);
    for (const one of form.querySelectorAll("[data-rest]")) one.textContent = said(rest);
    form.querySelector("[data-whole]").hidden = rest !== 0;
    form.querySelector("[data-partly]").hidden = rest === 0;
    form.querySelector(".consequence").hidden = part && !usable;
    form.querySelector("[data-go]").textContent = part && !usable ? `${verb}…` : `${verb} ${said(taken)}`;
  };
  form.addEventListener("input", update);
  form.addEventListener("change", (event) => {
    update();
    if (event.target.value === "part") amount.focus();
  });
  update();
}
document.querySelectorAll("form[data-movement]").forEach(follow);

// Keys open forms and move about. None of them moves money; none works while somebody types.
const keysOn = document.getElementById("keys-on");
const rows = () => [...document.querySelectorAll("[data-row]")];
if (keysOn) {
  keysOn.checked = localStorage.getItem("keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
}

function choose(step) {
  const all = rows();
  const now = all.findIndex((row) => row.classList.contains("chosen"));
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  all.forEach((row) => row.classList.toggle("chosen", row === next));
  next?.querySelector(".opens").focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const meta = event.ctrlKey || event.metaKey || event.altKey;
  if (!keysOn?.checked || typing || meta || document.querySelector("dialog[open]")) return;
  if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "/") document.getElementById("search")?.focus();
  else if (event.key === "j" || event.key === "k") choose(event.key === "j" ? 1 : -1);
  else if ("clfsn".includes(event.key)) {
    const place = document.querySelector("[data-row].chosen") || document.querySelector("#hold, #triage");
    place?.querySelector(`[data-key="${event.key}"]`)?.click();
  } else return;
  event.preventDefault();
});
