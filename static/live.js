// An open page follows what others do: it asks whether its version still stands, and merges the
// new one into itself. It rests while nobody looks at it, and says so when it gets no answer.
"use strict";

(() => {
const { merge, mergeKeeping } = window.holdfast;
const EVERY = 3000;
const SLOWEST = 30000;
const news = document.getElementById("live");
const connection = document.getElementById("connection");
let pause = EVERY;
let misses = 0;
let heardAt = document.body.dataset.asOf;
let timer = 0;
let asking = false;
let signedOut = false;

const livePlace = () => document.querySelector("[data-live]");

function addressOf(place) {
  const at = place.dataset.at || location.pathname;
  return location.pathname === at ? at + location.search : at;
}

function lookLater() {
  clearTimeout(timer);
  if (!document.hidden && !signedOut) timer = setTimeout(look, pause);
}

async function look() {
  const place = livePlace();
  if (!place || asking || document.hidden) return lookLater();
  asking = true;
  const [address, tag] = [addressOf(place), place.dataset.live];
  try {
    const answer = await fetch(address, {
      headers: { "HX-Request": "true", "X-Look": "1", "If-None-Match": tag, Accept: "text/html" },
      cache: "no-store",
      signal: AbortSignal.timeout(10000),
    });
    if (answer.status === 401) return leave();
    if (answer.status !== 304 && answer.status !== 200) return miss(answer.headers.get("X-Request-Id"));
    const text = answer.status === 200 ? await answer.text() : "";
    hear(answer.headers);
    // Whatever replaced the page meanwhile is newer than this answer.
    const same = livePlace() === place && place.dataset.live === tag && addressOf(place) === address;
    if (text && same) show(place, new DOMParser().parseFromString(text, "text/html"));
  } catch (error) {
    if (!["TypeError", "AbortError", "TimeoutError"].includes(error.name)) throw error;
    miss();
  } finally {
    asking = false;
    lookLater();
  }
}

function hear(headers) {
  heardAt = headers.get("X-As-Of") || heardAt;
  const proof = headers.get("X-CSRF-Token");
  if (proof) {
    for (const field of document.querySelectorAll('input[name="_csrf"]')) field.value = proof;
  }
  pause = EVERY;
  misses = 0;
  connection.textContent = "";
}

function miss(request) {
  misses += 1;
  pause = Math.min(pause * 2, SLOWEST);
  // One lost answer is no outage.
  if (misses < 2) return;
  const named = request ? ` Request ${request}.` : "";
  const text = request ? `The desk answers with errors since ${heardAt}` : `Connection lost since ${heardAt}`;
  const said = `${text}; this page may be old.`;
  // The name of the request is another one each time: what was said stays, so that it is said once.
  if (!connection.textContent.startsWith(said)) connection.textContent = said + named;
}

function leave() {
  signedOut = true;
  const again = document.createElement("a");
  again.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  again.target = "_blank";
  again.textContent = "Sign in again";
  connection.replaceChildren("You are signed out. What you typed stays here. ", again, " in another tab, then come back.");
}

// What each payment on the page is said to be.
function saidOf(place) {
  const all = [...place.querySelectorAll("[data-said]")];
  if (place.matches("[data-said]")) all.push(place);
  return new Map(all.map((one) => [one.id, [one.dataset.called, one.dataset.said]]));
}

function show(place, made) {
  const fresh = made.getElementById(place.id);
  if (!fresh) return;
  const before = saidOf(place);
  mergeKeeping(place, fresh);
  for (const id of ["fresh", "late"]) {
    const [old, now] = [document.getElementById(id), made.getElementById(id)];
    if (old && now) merge(old, now);
  }
  htmx.process(place);
  tell(before, saidOf(place));
}

function tell(before, after) {
  const said = [];
  for (const [id, [called, state]] of after) {
    if (before.get(id)?.[1] === state) continue;
    said.push(before.has(id) ? `${called}: ${state}` : `New in this list: ${called}`);
    mark(document.getElementById(id));
  }
  for (const [id, [called]] of before) {
    if (!after.has(id)) said.push(`No longer in this list: ${called}`);
  }
  if (!said.length) return;
  const others = said.length - 3;
  news.textContent = said.slice(0, 3).join(". ") + (others > 0 ? `. ${others} more changed` : "") + ".";
  clearTimeout(Number(news.dataset.timer));
  news.dataset.timer = setTimeout(() => (news.textContent = ""), 20000);
}

function mark(row) {
  if (!row.matches("[data-row]")) return;
  row.classList.add("changed");
  setTimeout(() => row.classList.remove("changed"), 8000);
}

function lookNow() {
  clearTimeout(timer);
  signedOut = false;
  if (!document.hidden) look();
}
document.addEventListener("visibilitychange", lookNow);
addEventListener("pageshow", (event) => event.persisted && lookNow());
addEventListener("online", lookNow);
addEventListener("focus", () => signedOut && lookNow());
lookLater();
})();
