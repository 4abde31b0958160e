// Brings one element in line with a newer one, and touches only what differs: focus, selection,
// scroll and typed text stay where they are.
"use strict";

window.holdfast = (() => {
const FIELDS = "input, textarea, select";
// What only the browser knows of an element, and no page that the server makes.
const OWN = ["chosen", "changed", "htmx-request"];

// Somebody is at this form, or its page was told what is wrong with it.
function inUse(form) {
  if (form.contains(document.activeElement) || form.querySelector("[aria-invalid]")) return true;
  return [...form.elements].some((field) => {
    if (field.type === "hidden") return false;
    if (field.matches("select")) {
      const first = [...field.options].findIndex((one) => one.defaultSelected);
      return field.selectedIndex !== Math.max(first, 0);
    }
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.matches(FIELDS) && field.value !== field.defaultValue;
  });
}

function mergeAttributes(from, to) {
  const kept = OWN.filter((name) => from.classList.contains(name));
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.matches("details"))) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (kept.length) from.classList.add(...kept);
}

function alike(old, wanted) {
  return old.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName && !old.id && !wanted.id;
}

function mergeChildren(from, to) {
  const wantedIds = new Set([...to.children].map((one) => one.id).filter(Boolean));
  for (const old of [...from.children]) {
    if (old.id && !wantedIds.has(old.id)) old.remove();
  }
  const byId = new Map([...from.children].filter((one) => one.id).map((one) => [one.id, one]));
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    let match = byId.get(wanted.id);
    if (!match) {
      match = place;
      while (match && !alike(match, wanted)) match = match.id ? null : match.nextSibling;
    }
    if (!match) {
      from.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (byId.get(wanted.id) === match) {
      if (match !== place) from.insertBefore(match, place);
    } else {
      while (place !== match) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
    }
    place = match.nextSibling;
    merge(match, wanted);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

function merge(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.matches("[data-keep], [hx-preserve]") || (from.matches("form") && inUse(from))) return;
  mergeAttributes(from, to);
  // The text of a field is what was typed into it, not what stands between its tags.
  if (!from.matches("textarea")) mergeChildren(from, to);
}

// As `merge`; whoever had the focus has it afterwards, or the next best place.
function mergeKeeping(from, to) {
  const active = document.activeElement;
  const inside = from.contains(active);
  const row = inside && active.closest("[data-row]");
  const next = row && (row.nextElementSibling || row.previousElementSibling);
  const [start, end] = inside && active.matches("textarea, input[type=search], input[type=text]") ? [active.selectionStart, active.selectionEnd] : [];
  merge(from, to);
  if (!inside || document.activeElement === active) return;
  const again = active.isConnected ? active : document.getElementById(active.id);
  const place = again || (next?.isConnected && next.querySelector(".opens")) || document.getElementById("main");
  place.focus({ preventScroll: true });
  if (place === active && start !== undefined) active.setSelectionRange(start, end);
}

return { merge, mergeKeeping };
})();
