// Keys, the help, and the switch that stops a page from updating itself. Every page works without this file.
"use strict";

const PLACES = { w: "/", t: "/themes", r: "/runs" };
let afterG = 0;

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable], dialog[open]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const search = document.getElementById("search");
  const help = document.getElementById("keys");
  if (Date.now() - afterG < 1500 && event.key in PLACES) {
    location.href = PLACES[event.key];
  } else if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "?" && help) {
    help.showModal();
  } else {
    [...document.querySelectorAll("[data-key]")].find((button) => button.dataset.key === event.key)?.click();
  }
  afterG = event.key === "g" ? Date.now() : 0;
});

let paused = false;

function showPause(button) {
  button.hidden = false;
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Resume updates" : "Pause updates";
}

document.querySelectorAll("[data-pause]").forEach((button) => {
  showPause(button);
  button.addEventListener("click", () => {
    paused = !paused;
    showPause(button);
  });
});

// Nobody looks at a hidden page, and nobody wants text to move that they are selecting.
document.addEventListener("htmx:before:request", (event) => {
  const selecting = String(getSelection()).length > 0;
  if (event.target.id === "live" && (paused || document.hidden || selecting)) event.preventDefault();
});

// A text to copy has a button; without this file it is selected and copied by hand.
document.querySelectorAll("[data-copy]").forEach((text) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      document.execCommand("copy"); // not a secure context: the old way still works
    }
    button.textContent = "Copied";
  });
  text.after(button);
});
