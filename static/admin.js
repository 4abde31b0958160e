// piccolo-admin asks nobody who may write what: here its page is told, and follows the desk's look.
(() => {
  "use strict";
  const root = document.documentElement;
  const meta = (name) => new Set(document.querySelector(`meta[name="${name}"]`).content.split(" "));
  const edited = meta("holdfast-edited");
  const fields = meta("holdfast-fields");

  // Until somebody chooses here, the page is light or dark as the desk is.
  const chosen = /(?:^|; )holdfast_theme=(light|dark)/.exec(document.cookie);
  const dark = chosen ? chosen[1] === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (localStorage.getItem("darkMode") === null || chosen) {
    localStorage.setItem("darkMode", JSON.stringify(dark));
  }

  const limit = (field, table) => {
    if (!edited.has(table)) {
      field.disabled = true;
      return;
    }
    if (field.name === "password") {
      field.type = "password";
      field.autocomplete = "new-password";
    }
    const box = field.closest("div[required]");
    if (box && !fields.has(`${table}.${field.name}`)) box.parentElement.hidden = true;
  };

  const follow = () => {
    const [table, row] = location.hash.replace(/^#\//, "").split(/[/?]/);
    if (table === "login" || table === "change-password") {
      // There is one sign-in for the desk and for this page.
      location.replace("/sign-in?next=/admin/");
      return;
    }
    const app = document.querySelector(".dark_mode, .light_mode");
    const theme = app ? app.classList.contains("dark_mode") : dark;
    const state = { theme: theme ? "dark" : "light", edited: edited.has(table) ? "yes" : "no" };
    state.page = !table ? "home" : row ? "row" : "list";
    for (const [name, value] of Object.entries(state)) {
      if (root.dataset[name] !== value) root.dataset[name] = value;
    }
    const typed = ".inner form [name], #overlay form [name]";
    for (const field of document.querySelectorAll(typed)) limit(field, table);
    const title = document.querySelector(".header h1");
    if (title && !edited.has(table)) title.textContent = title.textContent.replace(/^Edit /, "");
  };
  addEventListener("hashchange", follow);
  // Its router moves, and its forms come, without an event of the browser's own.
  new MutationObserver(follow).observe(root, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["class"],
  });
  follow();
})();
