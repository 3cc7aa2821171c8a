// Keeps the page's ages right, and connects its controls with the tree.

const STALE = Number(document.body.dataset.staleAfter); // seconds

function tellAges() {
  for (const element of document.querySelectorAll("[data-age]")) {
    const age = (Date.now() - Date.parse(element.dataset.age)) / 1000;
    const words = age < -STALE ? "in the future: compare the clocks" : `${inTwoUnits(age)} ago`;
    if ("page" in element.dataset) {
      element.textContent = `, ${words}`;
      const old = byId("old");
      if (age > STALE) old.textContent = `This page was made ${words}, and nothing has replaced it. Reload it, or see why it is not made.`;
      old.hidden = age <= STALE;
    } else {
      element.textContent = words;
      const stale = element.parentElement.querySelector(".stale");
      if (age > STALE) stale.hidden = false;
    }
  }
}
tellAges();
setInterval(tellAges, 10000);


async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function start(data) {
  const form = byId("filter");
  const hint = byId("count");
  const count = (number) => number.toLocaleString("en");
  const made = makeTree(data);

  function filter() {
    const wanted = {
      text: byId("text").value.trim(),
      codes: new Set([...form.querySelectorAll(":checked[name=status]")].map((box) => box.value)),
      flag: byId("flag").value,
      lasting: Number(byId("lasting").value),
    };
    const { matches, rows } = made.apply(wanted);
    const all = !wanted.text && !wanted.codes.size && !wanted.flag && !wanted.lasting;
    hint.textContent = all ? `${count(made.total)} nodes.` : `${count(matches)} of ${count(made.total)} nodes match.`;
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
    hint.textContent = rows < made.total ? `${count(rows)} rows are unfolded, as many as at once; unfold the others one by one.` : `All ${count(made.total)} nodes are unfolded.`;
  });
  byId("fold").addEventListener("click", () => {
    made.unfold(false);
    hint.textContent = `${count(made.total)} nodes, folded.`;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#n"]');
    const index = Number(link?.getAttribute("href").slice(2));
    if (!link || !Number.isInteger(index)) return;
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
  filter();
  byId("tree").replaceChildren(made.tree);
  document.documentElement.dataset.ready = "";
}

unpack(byId("data").textContent).then(start, () => {
  byId("count").append(" This browser is too old to unfold what is folded.");
});
