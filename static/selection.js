// Holds that are selected in the queue, to be captured or released together. Selecting moves
// nothing, and a selection outlives whatever replaces the list under it.
"use strict";

(() => {
const main = document.getElementById("main");
const chosen = new Set();
const boxes = () => [...document.querySelectorAll('input[name="hold"]')];

function tell() {
  const form = document.getElementById("selection");
  if (!form) return;
  const all = boxes();
  for (const box of all) box.checked = chosen.has(box.value);
  const count = all.filter((box) => box.checked).length;
  for (const value of [...chosen]) {
    if (!all.some((box) => box.value === value)) chosen.delete(value);
  }
  const said = count ? `${count} selected` : "Nothing selected";
  const place = form.querySelector("[data-selected]");
  if (place.textContent !== said) place.textContent = said;
  const whole = document.getElementById("select-all");
  if (whole) {
    whole.checked = count > 0 && count === all.length;
    whole.indeterminate = count > 0 && count < all.length;
  }
}

function keep(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

main.addEventListener("change", (event) => {
  if (event.target.name === "hold") keep(event.target);
  else if (event.target.id === "select-all") {
    for (const box of boxes()) {
      box.checked = event.target.checked;
      keep(box);
    }
  } else return;
  tell();
});

main.addEventListener("click", (event) => {
  if (!event.target.closest("[data-select-none]")) return;
  event.preventDefault();
  chosen.clear();
  tell();
  document.getElementById("select-all")?.focus();
});

document.addEventListener("keydown", (event) => {
  const keysOn = document.getElementById("keys-on");
  const typing = event.target.matches('input:not([name="hold"]), select, textarea, [contenteditable]');
  const meta = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== "x" || !keysOn?.checked || typing || meta || document.querySelector("dialog[open]")) return;
  const row = event.target.closest("[data-row]") || document.querySelector("[data-row].chosen");
  row?.querySelector('input[name="hold"]')?.click();
});

// What the browser filled in again after "Back", or the address had selected.
for (const box of boxes()) keep(box);
tell();
new MutationObserver(tell).observe(main, { childList: true, subtree: true });
})();
