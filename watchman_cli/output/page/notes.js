// Shows the note of the node that has the focus, in a panel at the window's lower edge.
function showNotes({ notes, hint }) {
  const panel = byId("note");
  let row = null;

  function element(name, text) {
    const made = document.createElement(name);
    made.append(text);
    return made;
  }

  function linesOf(index) {
    const list = document.createElement("dl");
    for (const [word, text] of notes[index]) {
      const description = document.createElement("dd");
      description.append(element("bdi", text));
      list.append(element("dt", word), description);
    }
    return list;
  }

  function show(next) {
    row?.removeAttribute("aria-describedby");
    row = next;
    const index = row && /^n(\d+)$/.exec(row.id)?.[1];
    const without = index && row.getAttribute("aria-level") !== "1" && !row.querySelector(".badge.complete");
    panel.hidden = !index || !(index in notes || without);
    if (panel.hidden) return;
    panel.replaceChildren(element("strong", row.querySelector(".name").textContent), index in notes ? linesOf(index) : element("p", hint));
    row.setAttribute("aria-describedby", "note");
  }

  byId("tree").addEventListener("focusin", (event) => show(event.target.closest('[role="treeitem"]')));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(null);
  });
}

unpack(byId("notes").textContent).then(showNotes, () => {});
