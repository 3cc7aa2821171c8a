// Keeps what its reader chose, and where they are, when the page reloads itself.

const PLACE = `watchman ${location.pathname}`;

/** Return what the form says; the text as it stands there. */
function chosen(form) {
  return {
    text: byId("text").value.trim(),
    codes: new Set([...form.querySelectorAll(":checked[name=status]")].map((box) => box.value)),
    flag: byId("flag").value,
    lasting: Number(byId("lasting").value),
  };
}

function choose(form, { text, codes, flag, lasting }) {
  byId("text").value = text;
  for (const box of form.querySelectorAll("[name=status]")) box.checked = codes.includes(box.value);
  const known = [...byId("flag").options].some((option) => option.value === flag);
  if (!known) byId("flag").add(new Option(flag === "*" ? "with any flag" : flag, flag));
  byId("flag").value = flag;
  byId("lasting").value = lasting || "";
}

const topOf = (element) => element.getBoundingClientRect().top;

/** Return what stands at the top of the window: a node of the tree, or the last heading above. */
function anchor(nodes) {
  const row = topOf(byId("tree")) < 0 && [...document.querySelectorAll('#tree [id^="n"]')].find((each) => topOf(each) >= 0);
  if (row) return { key: nodes.keyOf(Number(row.id.slice(1))), top: topOf(row) };
  const heading = [...document.querySelectorAll("h2")].filter((each) => topOf(each) <= 1).pop();
  return heading ? { id: heading.id, top: topOf(heading) } : { top: scrollY };
}

/** Return what has the focus: a node in the tree, a link to one in a list, or a control. */
function focusOf(nodes) {
  const focused = document.activeElement || document.body;
  const { node } = focused.dataset;
  if (node) return { key: nodes.keyOf(Number(node)), list: focused.closest("ul").className };
  if (byId("tree").contains(focused)) return focused.id ? { key: nodes.keyOf(Number(focused.id.slice(1))) } : {};
  if (focused.name === "status") return { control: `[name=status][value="${focused.value}"]` };
  return { control: focused.id && `#${focused.id}` };
}

function focusAgain({ key, list, control }, nodes, made) {
  const index = key && nodes.find(key);
  if (control) document.querySelector(control)?.focus({ preventScroll: true });
  else if (list) document.querySelector(`.${list} [data-node="${index}"]`)?.focus({ preventScroll: true });
  else if (index !== undefined && !made.hides(index)) made.reveal(index);
}

function storePlace(form, nodes, made) {
  const place = {
    chosen: { ...chosen(form), codes: [...chosen(form).codes], text: byId("text").value },
    folding: made.folding(),
    anchor: anchor(nodes),
    focus: focusOf(nodes),
    caret: [byId("text").selectionStart, byId("text").selectionEnd],
  };
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(place));
  } catch {
    // Without storage, the page begins anew.
  }
}

/** Return what was stored, or null. */
function storedPlace() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE));
  } catch {
    return null;
  }
}

/** Go back to a place; what the page no longer has is left out. */
function returnTo(place, form, filter, nodes, made) {
  choose(form, place.chosen);
  filter();
  made.restore(place.folding);
  focusAgain(place.focus, nodes, made);
  if (document.activeElement === byId("text")) byId("text").setSelectionRange(...place.caret);
  const { key, id, top } = place.anchor;
  const at = byId(key ? `n${nodes.find(key)}` : id);
  if (at) scrollTo(0, scrollY + topOf(at) - top);
  else if (!key) scrollTo(0, top);
}
