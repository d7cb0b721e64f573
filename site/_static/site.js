/* What a page of the site needs beyond its theme; without it the page still reads in full. */
"use strict";

/* A quiz: each question's options become radio buttons, and the one chosen shows its explanation.
   In the page as it comes the explanations are folded below the question. */
function makeAnswerable(quiz, place) {
  quiz.querySelectorAll(":scope > ul").forEach((options, number) => {
    const question = options.previousElementSibling;
    const answers = options.nextElementSibling;
    const whys = answers.querySelectorAll("li");
    const name = `quiz-${place}-${number}`;
    question.id = `${name}-question`;
    const group = document.createElement("div");
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-labelledby", question.id);
    const reply = document.createElement("p");
    reply.className = "reply";
    reply.setAttribute("role", "status");
    options.querySelectorAll("li").forEach((option, k) => {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = name;
      radio.addEventListener("change", () => {
        reply.innerHTML = whys[k].innerHTML;
      });
      const text = document.createElement("span");
      text.innerHTML = option.innerHTML;
      label.append(radio, text);
      group.append(label);
    });
    options.replaceWith(group);
    answers.replaceWith(reply);
  });
}

/* A number as people type it: 0.67, 0,67 or 67 %; NaN for anything else. */
function numberIn(text, unit = "") {
  const value = text.trim() ? Number(text.replace("%", "").replace(",", ".")) : NaN;
  return text.includes("%") && unit !== "%" ? value / 100 : value;
}

/* A labelled field with a button; what was typed goes to `act`, whose answer is shown below. */
function makeField(box, label, act) {
  const form = document.createElement("form");
  form.innerHTML = '<label><span></span> <input inputmode="decimal" autocomplete="off" size="9">'
    + '</label> <button>OK</button> <span class="said" role="status"></span>';
  form.querySelector("label span").textContent = label;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.querySelector(".said").textContent = act(form.querySelector("input").value);
  });
  box.append(form);
}

/* What was measured for a guess stands folded further below; a guess unfolds it, and both land on one
   axis, as in predictions.py. */
const guesses = new Map();

/* They are kept in this browser, by lesson; where it keeps nothing, until the page is left. */
const shelf = (key) => `Learning the variance, guesses of ${key.slice(0, 2)}`;

function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(shelf(key))) ?? {};
  } catch {
    return {};
  }
}

function keep(key, guess) {
  try {
    localStorage.setItem(shelf(key), JSON.stringify({ ...kept(key), [key]: guess }));
  } catch { /* no storage here */ }
}

function forget() {
  for (const key of guesses.keys()) {
    try {
      localStorage.removeItem(shelf(key));
    } catch { /* nor anything in it */ }
    const found = measured(key);
    if (found) Object.assign(found.place, { innerHTML: found.place.folded, open: false });
  }
  guesses.clear();
  document.querySelectorAll(".guess").forEach((box) => { box.replaceChildren(); makeGuess(box); });
  document.querySelectorAll(".guesses").forEach((box) => {
    box.textContent = "Your guesses are forgotten.";
    box.tabIndex = -1;
    box.focus();
  });
}

function measured(key) {
  const all = [...document.querySelectorAll("details > summary")];
  const summary = all.find((it) => it.textContent.startsWith(`${key}:`));
  if (!summary) return null;
  const place = summary.parentElement;
  place.folded ??= place.innerHTML;
  place.said ??= place.lastChild.textContent.match(/^(.*?)measured (.*), without a guess/s);
  const [, name, value] = place.said;
  return { place, summary, name, value, number: parseFloat(value) };
}

function axis(low, high, guess, number) {
  const at = (value) => Math.round(30 + (220 * (value - low)) / (high - low));
  return '<svg viewBox="-30 0 340 52" width="340" aria-hidden="true" class="axis"><path d="M30 26h220"/>'
    + `<circle cx="${at(guess)}" cy="26" r="5"/><path class="it" d="M${at(number)} 19l7 7-7 7-7-7z"/>`
    + `<text x="18" y="30" class="low">${low}</text><text x="262" y="30" class="high">${high}</text>`
    + `<text x="${at(guess)}" y="13">you</text><text x="${at(number)}" y="48">measured</text></svg>`;
}

/* Right, or within a tenth. */
function isNear({ guess, words }, found) {
  if (words) return guess === found.value;
  return Math.abs(guess - found.number) <= Math.abs(found.number) / 10;
}

function take(key, guess, known) {
  const said = `${guess} ${known.unit ?? ""}`.trim();
  guesses.set(key, { guess, said, ...known });
  keep(key, guess);
  const found = measured(key);
  if (found) {
    found.place.open = true;
    found.summary.textContent = `${key}: your guess was ${said}`;
    const line = document.createElement("p");
    line.setAttribute("role", "status");
    line.textContent = `${found.name}you guessed ${said}, measured ${found.value}.`;
    found.place.replaceChildren(found.summary, line);
    if (!known.words) {
      line.insertAdjacentHTML("afterend", axis(known.low, known.high, guess, found.number));
    }
  }
  document.querySelectorAll(".guesses").forEach(tally);
  return `Your guess: ${said}. What was measured stands below, where it is computed.`;
}

function tally(box) {
  const list = document.createElement("ul");
  let near = 0;
  for (const [key, its] of guesses) {
    const found = measured(key), line = document.createElement("li");
    const told = found ? `, measured ${found.value}` : "";
    line.textContent = `${key}: you guessed ${its.said}${told}`;
    list.append(line);
    near += found && isNear(its, found);
  }
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Forget my guesses";
  again.addEventListener("click", forget);
  const told = `${guesses.size} guessed, ${near} of them right or within a tenth. `;
  box.replaceChildren(list, told, again);
}

function makeGuess(box) {
  const { key } = box.dataset;
  const known = JSON.parse(box.dataset.it);
  const { words, unit, low, high, step } = known;
  if (!words) {
    const kind = `from ${low} to ${high} ${unit}`.trim();
    makeField(box, `Guess ${key}, ${kind}:`, (text) => {
      const value = numberIn(text, unit);
      return value >= low && value <= high ? take(key, value, known) : `A number ${kind}.`;
    });
    const field = box.querySelector("input"), slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: low, max: high, step, value: (low + high) / 2 });
    slider.setAttribute("aria-label", `Guess ${key}, on an axis ${kind}`);
    const say = () => slider.setAttribute("aria-valuetext", field.value && `${field.value} ${unit}`);
    slider.addEventListener("input", () => { field.value = slider.value; say(); });
    field.addEventListener("input", () => {
      const value = numberIn(field.value, unit);
      if (Number.isFinite(value)) slider.value = value;
      say();
    });
    field.parentElement.after(slider);
    field.value = kept(key)[key] ?? "";
    if (field.value) {
      field.dispatchEvent(new Event("input"));
      field.form.requestSubmit();
    }
    return;
  }
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const buttons = words.map((word) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word;
    button.addEventListener("click", () => {
      buttons.forEach((it) => it.setAttribute("aria-pressed", it === button));
      said.textContent = take(key, word, known);
    });
    return button;
  });
  box.append(`Guess ${key}: `, ...buttons, " ", said);
  buttons[words.indexOf(kept(key)[key])]?.click();
}

/* An exercise whose answer is one number: right, a known slip, made of its own numbers, or none. */
function makeAnswer(box) {
  const { right, tolerance, slips, told } = JSON.parse(box.dataset.it);
  const near = (value, it) => Math.abs(value - it) <= tolerance * Math.abs(it);
  makeField(box, `Your answer to ${box.dataset.key}:`, (text) => {
    const value = numberIn(text);
    if (!Number.isFinite(value)) return "A number is wanted here.";
    if (near(value, right)) return "✓ Right.";
    const slip = slips.find(([it]) => near(value, it))
      ?? told.find(([it]) => it.toPrecision(3) === value.toPrecision(3));
    return slip ? `✗ ${slip[1]}` : "✗ Not this number. The hints below may help.";
  });
}

/* A search shows the words of a page, not its menus nor the source of its formulas. */
function searchInWords() {
  if (typeof Search === "undefined") return;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".headerlink, script, style, summary").forEach((it) => it.remove());
    page.querySelectorAll(".math").forEach((formula) => { formula.textContent = "…"; });
    const article = page.querySelector("article") || page.body;
    return ((anchor && article.querySelector(anchor)) || article).textContent;
  };
}

/* What scrolls sideways has to be reachable by the keyboard, and to have a name. */
function makeReachable(box, name) {
  const wide = box.scrollWidth > box.clientWidth;
  if (wide && !box.hasAttribute("tabindex")) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", name);
  }
}

const PRINTED = ".bd-content .cell_output pre, .bd-content .highlight-text pre";
const SCROLLS = [
  ["mjx-container[display]", "Equation"],
  [".pst-scrollable-table-container", "Table"],
  ["pre", "Code"],
  ["a.figure", "Figure"],
];

/* What is printed in columns keeps them: on a phone its letters shrink, to nine pixels. A sentence, or
   what is wider still, is broken, the rest of a line set in. */
function fit(box) {
  box.style.fontSize = "";
  box.classList.remove("broken");
  const share = box.clientWidth / box.scrollWidth;
  if (share >= 1) return;
  if (/\S {3}/.test(box.textContent)) {
    const size = parseFloat(getComputedStyle(box).fontSize);
    box.style.fontSize = `${Math.max(9, Math.floor(10 * size * share) / 10)}px`;
  }
  if (box.scrollWidth <= box.clientWidth) return;
  if (!box.querySelector(".line")) {
    if (box.children.length > 1) return; // in colours
    const lines = box.textContent.replace(/\n$/, "").split("\n");
    box.replaceChildren(...lines.map((text) => {
      const line = document.createElement("span");
      line.className = "line";
      line.textContent = `${text}\n`;
      return line;
    }));
  }
  box.classList.add("broken");
}

function look() {
  document.querySelectorAll(PRINTED).forEach(fit);
  for (const [selector, name] of SCROLLS) {
    document.querySelectorAll(`.bd-content ${selector}`).forEach((box) => makeReachable(box, name));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  searchInWords();
  document.querySelectorAll(".quiz").forEach(makeAnswerable);
  document.querySelectorAll(".guess").forEach(makeGuess);
  document.querySelectorAll(".answer").forEach(makeAnswer);
  document.querySelectorAll(".bd-content img").forEach((image) => { image.loading = "lazy"; });
  look();
  let width; // of the text: the theme's sidebars come and go a moment after the window's change
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) look();
    width = contentRect.width;
  }).observe(document.querySelector(".bd-article-container"));
  document.addEventListener("toggle", look, true); // an unfolded solution
});
window.addEventListener("load", () => {
  const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  if (typeset) typeset.then(look);
});
