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

/* What scrolls sideways has to be reachable by the keyboard, and to have a name. */
function makeReachable(box, name) {
  const wide = box.scrollWidth > box.clientWidth;
  if (wide && !box.hasAttribute("tabindex")) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", name);
  }
}

const SCROLLS = [["div.math", "Equation"], [".pst-scrollable-table-container", "Table"], ["pre", "Code"]];

function look() {
  for (const [selector, name] of SCROLLS) {
    document.querySelectorAll(`.bd-content ${selector}`).forEach((box) => makeReachable(box, name));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".quiz").forEach(makeAnswerable);
  document.querySelectorAll(".bd-content img").forEach((image) => { image.loading = "lazy"; });
  look();
  window.addEventListener("resize", look);
  document.addEventListener("toggle", look, true); // an unfolded solution
});
window.addEventListener("load", () => {
  const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  if (typeset) typeset.then(look);
});
