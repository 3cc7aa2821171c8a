// The nodes of all servers as flat lists, in the order of a walk: a server at depth 0, its suites at 1.

/** Return of each node its parent, and the index that follows it and all below it. */
function walk(depths) {
  const parents = new Int32Array(depths.length);
  const ends = new Int32Array(depths.length);
  const above = [];
  for (let index = 0; index <= depths.length; index++) {
    const depth = index < depths.length ? depths[index] : 0;
    while (above.length > depth) ends[above.pop()] = index;
    if (index === depths.length) break;
    parents[index] = depth ? above[depth - 1] : -1;
    above.push(index);
  }
  return { parents, ends };
}

function makeNodes(data) {
  const { names, depths, statuses, words } = data;
  const { parents, ends } = walk(depths);
  const size = names.length;
  const servers = [];
  for (let index = 0; index < size; index = ends[index]) servers.push(index);

  const pathOf = (index) => (depths[index] ? `${pathOf(parents[index])}/${names[index]}` : "");

  /** Return a node's children; those of -1 are the servers. */
  function children(index) {
    if (index < 0) return servers;
    const found = [];
    for (let child = index + 1; child < ends[index]; child = ends[child]) found.push(child);
    return found;
  }

  /** Return the names of a node and of all above it, by which a later page finds it. */
  function keyOf(index) {
    const key = [];
    for (let at = index; at >= 0; at = parents[at]) key.unshift(names[at]);
    return key;
  }

  /** Return the node of a key, or undefined. */
  function find(key) {
    let index = -1;
    for (const name of key) {
      index = children(index).find((child) => names[child] === name);
      if (index === undefined) return undefined;
    }
    return index;
  }

  function countWords(ranges) {
    const counts = new Array(words.length).fill(0);
    for (const [start, end] of ranges) for (let index = start; index < end; index++) counts[statuses[index]]++;
    return words.map((status, code) => (counts[code] ? `${counts[code].toLocaleString("en")} ${status}` : "")).filter(Boolean).join(", ");
  }

  /** Return how many nodes match, and of each 2 if it does, and 1 more if one below it does; null if all do. */
  function select({ text, codes, flag, lasting }) {
    const query = text.toLowerCase();
    if (!query && !codes.size && !flag && !lasting) return { matches: size - servers.length, filter: null };
    const filter = new Uint8Array(size);
    const slash = query.includes("/");
    let matches = 0;
    for (let index = size - 1; index >= 0; index--) {
      const fits =
        depths[index] > 0 &&
        (!codes.size || codes.has(statuses[index])) &&
        (!lasting || data.since[index] >= lasting) &&
        (!flag || (flag === "*" ? index in data.flags : (data.flags[index] || []).includes(flag))) &&
        (!query || (slash ? pathOf(index) : names[index]).toLowerCase().includes(query));
      if (fits) {
        matches++;
        filter[index] |= 2;
      }
      if (filter[index] && parents[index] >= 0) filter[parents[index]] |= 1;
    }
    return { matches, filter };
  }

  return { ...data, parents, ends, servers, total: size - servers.length, children, keyOf, find, countWords, select };
}
