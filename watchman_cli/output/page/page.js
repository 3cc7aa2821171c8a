// Connects the page's controls with the tree.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function start(data) {
  const form = byId("filter");
  const hint = byId("count");
  const count = (number) => number.toLocaleString("en");
  const nodes = makeNodes(data);
  const made = makeTree(nodes);

  function filter() {
    const wanted = chosen(form);
    const { matches, rows } = made.apply(wanted);
    const all = !wanted.text && !wanted.codes.size && !wanted.flag && !wanted.lasting;
    hint.textContent = all ? `${count(nodes.total)} nodes.` : `${count(matches)} of ${count(nodes.total)} nodes match.`;
    if (!all && rows >= MOST) hint.textContent += ` The first ${count(rows)} rows are unfolded.`;
  }

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  function clear() {
    form.reset();
    filter();
  }
  byId("clear").addEventListener("click", clear);
  byId("unfold").addEventListener("click", () => {
    const rows = made.unfold(true);
    hint.textContent = rows < nodes.total ? `${count(rows)} rows are unfolded, as many as at once; unfold the others one by one.` : `All ${count(nodes.total)} nodes are unfolded.`;
  });
  byId("fold").addEventListener("click", () => {
    made.unfold(false);
    hint.textContent = `${count(nodes.total)} nodes, folded.`;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-node]");
    if (!link) return;
    const index = Number(link.dataset.node);
    event.preventDefault();
    if (made.hides(index)) clear();
    made.reveal(index);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
    event.preventDefault();
    byId("text").focus();
  });

  form.hidden = false;
  byId("keys").hidden = false;
  history.scrollRestoration = "manual";
  const place = storedPlace();
  filter();
  byId("tree").replaceChildren(made.tree);
  try {
    if (place) returnTo(place, form, filter, nodes, made);
  } catch {
    clear(); // a page of another version stored it
  }
  addEventListener("pagehide", () => storePlace(form, nodes, made));
  document.documentElement.dataset.ready = "";
}

unpack(byId("data").textContent).then(start, () => {
  byId("count").append(" This browser is too old to unfold what is folded.");
});
