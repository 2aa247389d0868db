// What a person sees and can reach on the page. Runs in the page, by DevTools, also where the page's own scripts don't.
(() => {
    // What a person does while an answer is on its way is lost with the page or the part of it that the answer replaces.
    if (!window.isWatched) {
        window.isWatched = true;
        addEventListener("submit", event => { window.isLeaving ||= !event.defaultPrevented; });
        addEventListener("pageshow", () => { window.isLeaving = false; });
    }
    if (document.readyState !== "complete" || window.isLeaving || document.querySelector(".htmx-request")) return null;
    // A modal dialog hides everything else.
    const modals = document.querySelectorAll("dialog:modal");
    const root = modals[modals.length - 1] ?? document.body;
    const clean = text => (text ?? "").replace(/\s+/g, " ").trim();
    const isSeen = element => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true });
    };
    const byId = id => document.getElementById(id);
    const labelled = element => clean((element.getAttribute("aria-labelledby") ?? "").split(/\s+/).map(id => byId(id)?.innerText).join(" "));
    // Nearly the accessible name.
    const name = element => labelled(element) || clean(element.getAttribute("aria-label")) || label(element) || clean(element.innerText);
    const label = element => clean([...(element.labels ?? [])].map(one => one.innerText).join(" "));
    const fields = "input:not([type=hidden]), select, textarea";
    const controls = "a[href], button, summary, input[type=radio], input[type=checkbox]";
    // By the whole name, or else by its beginning: a choice has its explanation in its label.
    const named = (kind, wanted) => {
        const seen = [...root.querySelectorAll(kind)].filter(isSeen);
        const whole = seen.filter(element => name(element) === wanted);
        return whole.length ? whole : seen.filter(element => name(element).startsWith(wanted + " "));
    };
    const only = (kind, wanted) => {
        const found = named(kind, wanted);
        if (found.length > 1) throw new Error(`${found.length} things are called “${wanted}”`);
        return found[0] && !found[0].disabled ? found[0] : null;
    };
    // Where to click; nothing while something else lies over it.
    const point = element => {
        element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
        const box = element.getBoundingClientRect();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        const hit = document.elementFromPoint(x, y);
        const touches = element.contains(hit) || [...(element.labels ?? [])].some(one => one.contains(hit));
        return touches ? { x, y } : null;
    };
    return {
        pointOf: wanted => { const found = only(controls, wanted); return found && point(found); },
        pointAt: selector => { const found = [...root.querySelectorAll(selector)].find(isSeen); return found && !found.disabled ? point(found) : null; },
        // A field by its label: focused, its text selected.
        focus: wanted => {
            const found = only(fields, wanted);
            if (!found) return null;
            found.focus();
            found.select?.();
            return true;
        },
        // Chooses in a select, or sets what can't be typed (a date).
        set: (wanted, value) => {
            const found = only(fields, wanted);
            if (!found) return null;
            const option = [...(found.options ?? [])].find(one => clean(one.text) === value);
            found.value = option ? option.value : value;
            found.dispatchEvent(new Event("input", { bubbles: true }));
            found.dispatchEvent(new Event("change", { bubbles: true }));
            return true;
        },
        valueOf: wanted => only(fields, wanted)?.value ?? null,
        text: () => clean(root.innerText),
        textOf: selector => { const found = root.querySelector(selector); return found ? clean(found.innerText) : null; },
        count: selector => [...root.querySelectorAll(selector)].filter(isSeen).length,
        path: () => location.pathname + location.search,
        // Who has the focus, and whether one can see that.
        focused: () => {
            const element = document.activeElement;
            if (!element || element === document.body) return { name: "", seen: true };
            const style = getComputedStyle(element);
            const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
            const parent = element.closest(":focus-within:has(> :focus)") ?? element;
            return { name: name(element), seen: ring || style.boxShadow !== "none" || getComputedStyle(parent).boxShadow !== "none" };
        },
        height: () => Math.max(document.documentElement.scrollHeight, document.body.scrollHeight),
        overflow: () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
})()
