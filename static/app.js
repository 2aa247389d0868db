// What the pages can't do by themselves: copy, reveal, dialog, toast, tabs, and steps that appear one by one.
// Everything is attached by attributes; a page without this file still works.
const by = (id) => document.getElementById(id);
const modal = by("modal");
const said = by("said");
const on = (event, handle) => document.addEventListener(event, handle);

/** Says a short text to screen readers; behind an open dialog nothing is heard. */
function say(text) {
  said.textContent = "";
  (modal?.open ? modal : document.body).append(said);
  setTimeout(() => (said.textContent = text), 50);
}

/** Shows a text for six seconds, above a dialog if one is open. */
function toast(text, kind = "done") {
  const stack = by("toasts");
  const item = by("toast-" + kind).content.firstElementChild.cloneNode(true);
  item.append(text);
  stack.hidePopover?.();
  stack.replaceChildren(item);
  stack.showPopover?.();
  say(text);
  setTimeout(() => item.isConnected && (stack.hidePopover?.(), item.remove()), kind === "error" ? 12000 : 6000);
}

// data-copy="id" copies that element's value or text, data-copy-text="…" copies what it says.
// Plain http beyond localhost has no clipboard: there the text is selected, for the browser or the reader to copy.
async function copy(button) {
  const source = by(button.dataset.copy) ?? button.parentElement;
  const text = button.dataset.copyText ?? source.value ?? source.textContent;
  if (!(await navigator.clipboard?.writeText(text).then(() => true, () => false))) {
    source.hidden = false;
    if (source.select) { source.type = "text"; source.select(); } else getSelection().selectAllChildren(source);
    if (!document.execCommand("copy")) return toast("Selected: press Ctrl+C or ⌘C to copy it.");
  }
  const secret = modal?.querySelector("[data-secret]")?.value;
  if (secret && text.includes(secret)) modal.querySelector("[data-once]")?.removeAttribute("data-once");
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, 1600);
  say("Copied");
}

// data-reveal="id" turns a password field readable and back, and with it every .hush beside it.
function reveal(button) {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", shown);
  by(button.dataset.reveal).type = shown ? "text" : "password";
  button.closest("[data-masked]")?.setAttribute("data-masked", !shown);
}

// The one dialog. Its content comes from the server; closing it leaves nothing behind.
let opener = null;

function openModal(source) {
  if (!modal.open) {
    opener = source.closest("details.menu")?.querySelector("summary") ?? source;
    modal.showModal();
  }
  modal.scrollTop = 0;
  const refused = modal.querySelector(":is(input, textarea)[aria-invalid=true], fieldset[aria-invalid=true] input");
  (refused ?? modal.querySelector(".urged [data-close]") ?? modal.querySelector("[autofocus]"))?.focus();
}

// A secret that was not copied is not thrown away by a slip of Esc or the mouse: the first one only asks.
function leaveModal() {
  const foot = modal.querySelector("[data-once]");
  if (!foot) return modal.close();
  foot.removeAttribute("data-once");
  foot.classList.add("urged");
  foot.querySelector("[data-close]").focus();
  say(foot.textContent);
}

modal?.addEventListener("cancel", (event) => { event.preventDefault(); leaveModal(); });
modal?.addEventListener("pointerdown", ({ target, clientX: x, clientY: y }) => {
  const box = modal.getBoundingClientRect();
  if (target === modal && (x < box.left || x > box.right || y < box.top || y > box.bottom)) leaveModal();
});
modal?.addEventListener("close", () => {
  modal.replaceChildren();
  (opener?.isConnected ? opener : by(opener?.id) ?? by("main"))?.focus();
});

function choose(tab) {
  for (const other of tab.closest("[role=tablist]").children) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    by(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

// data-stream="id": the answer's pieces, each ended by <!---->, are put there as they arrive.
async function stream(form, event) {
  event.preventDefault();
  const [list, button] = [by(form.dataset.stream), form.querySelector("button:not([type=button])")];
  list.replaceChildren();
  list.ariaBusy = button.disabled = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (answer.headers.has("hx-redirect")) return location.assign(answer.headers.get("hx-redirect"));
    if (!answer.ok) throw new Error("reference " + answer.headers.get("x-request-id"));
    const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = "", piece; !(piece = await pieces.read()).done; ) {
      const parts = (rest + piece.value).split("<!---->");
      rest = parts.pop();
      parts.forEach((part) => list.insertAdjacentHTML("beforeend", part));
    }
  } catch (error) {
    toast(`The check did not run (${error.message}).`, "error");
  }
  list.ariaBusy = button.disabled = false;
  if (!document.activeElement.matches(":is(a, button, input, select, summary, textarea)")) button.focus({ preventScroll: true });
  list.lastElementChild?.scrollIntoView({ block: "nearest" });
  // The check was a log-in, and a second later the table behind it knows when it was.
  setTimeout(() => by("found") && htmx.ajax("GET", location.href, { target: "#found", swap: "outerHTML" }), 1500);
}

on("click", (event) => {
  const hit = (attribute) => event.target.closest?.(`[${attribute}]`);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu.querySelector("div").contains(event.target)) menu.querySelector("summary").focus();
    if (!menu.querySelector("summary").contains(event.target)) menu.open = false;
  }
  if (hit("data-copy") ?? hit("data-copy-text")) copy(hit("data-copy") ?? hit("data-copy-text"));
  else if (hit("data-reveal")) reveal(hit("data-reveal"));
  else if (hit("role=tab")) choose(hit("role=tab"));
  else if (hit("data-check")) for (const box of hit("data-check").closest("fieldset").querySelectorAll("[type=checkbox]")) box.checked = hit("data-check").dataset.check === "all";
  else if (hit("data-close") && modal.open) event.preventDefault(), modal.close();
});

on("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.key === "Escape") menu.open = false, menu.querySelector("summary").focus();
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step || !(tab ?? menu)) return;
  const all = [...(tab ? tab.parentElement.children : menu.querySelectorAll("summary, a, button"))];
  const next = all.at((all.indexOf(document.activeElement) + step) % all.length);
  event.preventDefault();
  next.focus();
  if (tab) choose(next);
});

on("submit", (event) => event.target.dataset.stream && stream(event.target, event));
on("toast", ({ detail }) => toast(detail.text, detail.kind));
on("done", () => modal.open && modal.close());
on("htmx:after:swap", ({ detail }) => detail.ctx.target === modal && modal.childElementCount && openModal(detail.ctx.sourceElement));
// A button that was disabled while its request ran, or replaced by the answer, has the focus again.
on("htmx:finally:request", ({ detail }) => {
  const form = detail.ctx.sourceElement.closest("form[method=post]");
  if (form && document.activeElement === document.body) (by(form.querySelector("button[id]")?.id) ?? by("main"))?.focus({ preventScroll: true });
});
// What a page asks by itself, every few seconds: not while nobody looks, and no word when it fails. It asks again.
const isLive = ({ detail }) => detail.ctx.sourceElement.matches("[hx-trigger^=every]");
on("htmx:before:request", (event) => document.hidden && isLive(event) && event.preventDefault());
on("htmx:error", (event) => isLive(event) || toast("The server can’t be reached. What you typed is still here.", "error"));
on("htmx:before:response", (event) => {
  const { status, headers } = event.detail.ctx.response;
  if (status >= 500) event.preventDefault(), isLive(event) || toast(`Something went wrong. What you typed is still here. Reference: ${headers.get("x-request-id") ?? "none"}`, "error");
});
