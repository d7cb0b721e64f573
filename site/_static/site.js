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

/* What was measured for a guess stands folded further below; a guess unfolds it. */
const guesses = new Map();

function measured(key) {
  const all = [...document.querySelectorAll("details > summary")];
  const summary = all.find((it) => it.textContent.startsWith(`${key}:`));
  return summary && summary.parentElement;
}

function take(key, guess) {
  guesses.set(key, guess);
  const place = measured(key);
  if (place) {
    place.open = true;
    place.querySelector("summary").textContent = `${key}: your guess was ${guess}`;
    place.lastChild.textContent = place.lastChild.textContent.replace(", without a guess", "");
  }
  document.querySelectorAll(".guesses").forEach((box) => {
    const lines = [...guesses].map(([its, said]) => {
      const line = document.createElement("li");
      const told = measured(its) ? `; ${measured(its).lastChild.textContent}` : "";
      line.textContent = `${its}: you guessed ${said}${told}`;
      return line;
    });
    const list = document.createElement("ul");
    list.append(...lines);
    box.replaceChildren(list);
  });
  return `Your guess: ${guess}. What was measured stands below, where it is computed.`;
}

function makeGuess(box) {
  const { key } = box.dataset;
  const { words, unit, low, high } = JSON.parse(box.dataset.it);
  if (!words) {
    const kind = `from ${low} to ${high} ${unit}`.trim();
    makeField(box, `Guess ${key}, ${kind}:`, (text) => {
      const value = numberIn(text, unit);
      const fits = value >= low && value <= high;
      return fits ? take(key, `${value} ${unit}`.trim()) : `A number ${kind}.`;
    });
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
      said.textContent = take(key, word);
    });
    return button;
  });
  box.append(`Guess ${key}: `, ...buttons, " ", said);
}

/* An exercise whose answer is one number: right, one of the known slips, or neither. */
function makeAnswer(box) {
  const { right, tolerance, slips } = JSON.parse(box.dataset.it);
  const near = (value, it) => Math.abs(value - it) <= tolerance * Math.abs(it);
  makeField(box, `Your answer to ${box.dataset.key}:`, (text) => {
    const value = numberIn(text);
    if (!Number.isFinite(value)) return "A number is wanted here.";
    if (near(value, right)) return "✓ Right.";
    const slip = slips.find(([it]) => near(value, it));
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

const SCROLLS = [
  ["mjx-container[display]", "Equation"],
  [".pst-scrollable-table-container", "Table"],
  ["pre", "Code"],
  ["a.figure", "Figure"],
];

function look() {
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
  window.addEventListener("resize", look);
  document.addEventListener("toggle", look, true); // an unfolded solution
});
window.addEventListener("load", () => {
  const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  if (typeset) typeset.then(look);
});
