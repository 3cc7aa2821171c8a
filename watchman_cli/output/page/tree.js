const CHUNK = 200; // children that are shown at once
const MOST = 2000; // rows that are unfolded at once

/** The nodes as an ARIA tree of what is unfolded, which searches, filters and unfolds itself. */
function makeTree(nodes) {
  const { names, statuses, words, since, flags, parents, ends, servers, children, countWords } = nodes;
  const shown = new Set(nodes.shown);
  const firstOpen = new Set(nodes.shown.map((index) => parents[index]));
  const tree = document.createElement("ul");
  tree.setAttribute("role", "tree");
  tree.setAttribute("aria-labelledby", "nodes");
  tree.setAttribute("aria-describedby", "keys");

  let filter = null; // of each node 2 where it matches, and 1 more where one below it does; null where all do
  let query = "";
  let everything = false; // is unfolded
  let own = new Map(); // what the user unfolded (true) or folded (false)
  let left = MOST; // rows that may still be unfolded
  let focused = null;

  const isParent = (index) => ends[index] > index + 1;
  /** What stands below an unfolded node: the children to show, and those in whose place a row of counts stands. */
  function parts(index) {
    const all = children(index);
    if (filter) {
      const kept = all.filter((child) => filter[child]);
      return kept.length || index < 0 ? [kept, all.filter((child) => !filter[child])] : [all, []];
    }
    if (index >= 0 && !everything && own.get(index) !== true && firstOpen.has(index)) {
      return [all.filter((child) => shown.has(child)), all.filter((child) => !shown.has(child))];
    }
    return [all, []];
  }

  function isOpen(index) {
    if (own.has(index)) return own.get(index);
    if (left <= 0) return false;
    if (filter) return (filter[index] & 1) === 1;
    return everything || firstOpen.has(index);
  }

  function span(className, text) {
    const element = document.createElement("span");
    element.className = className;
    element.textContent = text;
    return element;
  }

  function nameOf(index) {
    const element = document.createElement("bdi");
    element.className = "name";
    const at = query && !query.includes("/") ? names[index].toLowerCase().indexOf(query) : -1;
    if (at < 0) {
      element.textContent = names[index];
    } else {
      const mark = document.createElement("mark");
      mark.textContent = names[index].slice(at, at + query.length);
      element.append(names[index].slice(0, at), mark, names[index].slice(at + query.length));
    }
    return element;
  }

  function fillRow(row, index) {
    const status = words[statuses[index]];
    row.replaceChildren(nameOf(index), " ", span(`badge ${status}`, status));
    if (index in since) row.append(" ", span("lasting", lasting(since[index])));
    for (const flag of flags[index] || []) row.append(" ", span("flag", flag));
    if (row.getAttribute("aria-expanded") === "false") {
      row.append(" ", span("below", `${countWords([[index + 1, ends[index]]])} below`));
    }
  }

  /** A row is the tree's item; the group of its children stands beside it, so that it is no part of its name. */
  function makeRow(level, place, of) {
    const item = document.createElement("li");
    item.setAttribute("role", "none");
    const row = span("row", "");
    row.setAttribute("role", "treeitem");
    row.tabIndex = -1;
    row.setAttribute("aria-level", level);
    row.setAttribute("aria-posinset", place);
    row.setAttribute("aria-setsize", of);
    item.append(row);
    return row;
  }

  function makeItem(index, level, place, of) {
    const row = makeRow(level, place, of);
    row.id = `n${index}`;
    left--;
    if (isParent(index)) expand(row, index);
    fillRow(row, index);
    return row.parentElement;
  }

  function expand(row, index) {
    const open = isOpen(index);
    row.setAttribute("aria-expanded", open);
    if (open) row.after(makeGroup(index, Number(row.getAttribute("aria-level")) + 1));
  }

  function makeRest(text, level, place, of, unfold) {
    const row = makeRow(level, place, of);
    row.classList.add("rest");
    row.textContent = text;
    row.unfold = unfold;
    return row.parentElement;
  }

  function makeGroup(index, level) {
    const group = document.createElement("ul");
    group.setAttribute("role", "group");
    fillGroup(group, index, level);
    return group;
  }

  function fillGroup(group, index, level) {
    const [some, others] = parts(index);
    const of = some.length + (others.length && !filter ? 1 : 0);
    const add = (start) => {
      const end = Math.min(some.length, start + CHUNK);
      for (let place = start; place < end; place++) group.append(makeItem(some[place], level, place + 1, of));
      if (end < some.length) {
        const more = some.slice(end).map((child) => [child, ends[child]]);
        const rest = makeRest(`… ${(some.length - end).toLocaleString("en")} more here: ${countWords(more)}`, level, end + 1, of, () => {
          rest.remove();
          left = MOST;
          add(end);
          focus(byId(`n${some[end]}`));
        });
        group.append(rest);
      } else if (others.length && !filter) {
        const words = countWords(others.map((child) => [child, ends[child]]));
        group.append(makeRest(`… ${words}`, level, of, of, () => {
          own.set(index, true);
          refresh(index);
          focus(byId(`n${others[0]}`));
        }));
      }
    };
    add(0);
  }

  function refresh(index) {
    const row = byId(`n${index}`);
    left = MOST;
    row.nextElementSibling?.remove();
    expand(row, index);
    fillRow(row, index);
  }

  function draw() {
    left = MOST;
    tree.replaceChildren();
    fillGroup(tree, -1, 1);
    focused = tree.querySelector('[role="treeitem"]');
    if (focused) focused.tabIndex = 0;
    return tree.querySelectorAll('[id^="n"]').length;
  }

  function focus(row) {
    if (!row) return;
    if (focused) focused.tabIndex = -1;
    focused = row;
    row.tabIndex = 0;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function toggle(row) {
    if (row.unfold) return row.unfold();
    if (!row.hasAttribute("aria-expanded")) return;
    const index = Number(row.id.slice(1));
    own.set(index, row.getAttribute("aria-expanded") !== "true");
    refresh(index);
  }

  /** Unfold what is above a node, and go to it. */
  function reveal(index) {
    const way = [index];
    while (parents[way[0]] >= 0) way.unshift(parents[way[0]]);
    way.forEach((at, step) => {
      const above = step ? way[step - 1] : null;
      if (!byId(`n${at}`) && above !== null) {
        own.set(above, true);
        refresh(above);
      }
      const group = above === null ? tree : byId(`n${above}`).nextElementSibling;
      while (!byId(`n${at}`)) group.lastElementChild.firstElementChild.unfold();
    });
    focus(byId(`n${index}`));
    focused.scrollIntoView({ block: "center" });
  }

  const keys = {
    ArrowDown: (all, at) => focus(all[at + 1]),
    ArrowUp: (all, at) => focus(all[at - 1]),
    Home: (all) => focus(all[0]),
    End: (all) => focus(all[all.length - 1]),
    ArrowRight: (all, at, row) => {
      if (row.getAttribute("aria-expanded") === "false") toggle(row);
      else if (row.getAttribute("aria-expanded") === "true") focus(all[at + 1]);
    },
    ArrowLeft: (all, at, row) => {
      if (row.getAttribute("aria-expanded") === "true") toggle(row);
      else focus(row.closest('[role="group"]')?.previousElementSibling);
    },
    Enter: (all, at, row) => toggle(row),
    " ": (all, at, row) => toggle(row),
    "*": (all, at, row) => {
      for (const { firstElementChild: each } of [...row.parentElement.parentElement.children]) {
        if (each.getAttribute("aria-expanded") === "false") toggle(each);
      }
    },
  };

  tree.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const all = [...tree.querySelectorAll('[role="treeitem"]')];
    keys[event.key](all, all.indexOf(event.target), event.target);
  });
  tree.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row || String(getSelection())) return;
    focus(row);
    toggle(row);
  });

  /** Show the nodes that match, and those above them; return how many match, and how many rows there are. */
  function apply(wanted) {
    own = new Map();
    everything = false;
    query = wanted.text.toLowerCase();
    const selected = nodes.select(wanted);
    filter = selected.filter;
    return { matches: selected.matches, rows: draw() };
  }

  function unfold(wanted) {
    own = new Map();
    everything = wanted;
    if (!wanted) for (const index of servers) own.set(index, false);
    return draw();
  }

  /** Return what is unfolded, in a form in which a later page's tree takes it back. */
  function folding() {
    return { everything, own: [...own].map(([index, open]) => [nodes.keyOf(index), open]) };
  }

  function restore(folded) {
    everything = folded.everything;
    own = new Map(folded.own.map(([key, open]) => [nodes.find(key), open]));
    own.delete(undefined);
    draw();
  }

  return { tree, apply, unfold, reveal, folding, restore, hides: (index) => filter && !filter[index] };
}
