"use strict"; // of all files of the script, of which this is the first

const byId = (id) => document.getElementById(id);
const STALE = Number(document.body.dataset.staleAfter); // seconds

/** Return a time span in its two largest units, as format_duration in Python does. */
function inTwoUnits(seconds) {
  let left = Math.max(0, Math.floor(seconds));
  const parts = [];
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    const count = Math.floor(left / size);
    left %= size;
    if (count || parts.length) parts.push(count ? `${count} ${unit}` : "");
  }
  return parts.slice(0, 2).filter(Boolean).join(" ") || "0 s";
}

/** Return how long a node has its status: ecFlow's calendar moves once a minute. */
const lasting = (seconds) => seconds < 60 ? "for less than a minute" : `for ${inTwoUnits(seconds - seconds % 60)}`;

/** Keep the page's ages right. */
function tellAges() {
  for (const element of document.querySelectorAll("[data-age]")) {
    const age = (Date.now() - Date.parse(element.dataset.age)) / 1000;
    const words = age < -STALE ? "in the future: compare the clocks" : `${inTwoUnits(age)} ago`;
    if ("page" in element.dataset) {
      element.textContent = `, ${words}`;
      const old = byId("old");
      if (age > STALE) old.textContent = `This page was made ${words}, and nothing has replaced it: see why none is made.`;
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
