/* Draws the labs that site/labs.py has computed beforehand, in each <div class="lab" data-lab="NN">
   of a page, and what site/rain.py has, where it says NN-rain. What is in the div stays if there is
   no script or no file of the lab.
   Nothing is fetched but labs/NN.js beside this file (or what data-src names). */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const VALUE = new Map([...DIGITS].map((digit, i) => [digit, i]));
  const VIEW = 2; // a frame's third number says which axes it has
  const here = document.currentScript.src;
  const waiting = new Map();
  let labs = 0;

  /* The files call this: a script, and not fetch(), so that a page opened from disk works too. */
  window.courseLab = (key, data) => {
    for (const div of waiting.get(key) ?? []) new (data.rain ? Rain : Lab)(div, data);
    waiting.delete(key);
  };

  function start() {
    for (const div of document.querySelectorAll("div.lab[data-lab]")) {
      const key = div.dataset.lab;
      if (waiting.has(key)) {
        waiting.get(key).push(div);
        continue;
      }
      waiting.set(key, [div]);
      const script = document.createElement("script");
      script.src = div.dataset.src ?? new URL(`labs/${key}.js`, here);
      document.head.append(script);
    }
  }

  /* An element with attributes and children; those of SVG are named svg:… */
  function make(name, attributes = {}, ...children) {
    const element = name.startsWith("svg:")
      ? document.createElementNS(SVG, name.slice(4))
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /* The reverse of packed() in site/labs.py. */
  function unpack(code) {
    const order = Number(code[0]);
    const numbers = [];
    for (let i = 1; i < code.length; ) {
      let number = 0;
      for (let shift = 0, more = 1; more; shift += 5) {
        const digit = VALUE.get(code[i++]);
        number |= (digit & 31) << shift;
        more = digit & 32;
      }
      numbers.push(number & 1 ? -(number >>> 1) : number >>> 1);
    }
    for (let k = 0; k < order; k++) {
      for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1];
    }
    return numbers;
  }

  /* A course colour: a dark page may show another, see labs.css. */
  const paint = color => `var(--lab-${color.slice(1)}, ${color})`;

  /* What is drawn at a point: a dot, or two strokes. */
  function mark({ cross }) {
    if (!cross) return "h0";
    const half = 0.36 * cross, all = 2 * half;
    return `m${-half} ${-half}l${all} ${all}m0 ${-all}l${-all} ${all}`;
  }

  /* As in course_utils/labs/picture.py: a line drawn through, in full colour. */
  const leavesATrace = ({ line, dash, alpha, marker }) =>
    line && !dash.length && alpha === 1 && !marker;

  class Panel {
    constructor(lab, place, curves) {
      Object.assign(this, { lab, place, curves, axes: lab.data.views[0][place] });
      this.svg = make("svg:svg", { "aria-hidden": "true" });
      this.clip = `${lab.id}-clip-${lab.panels.length}`;
      this.legend = make("div", { class: "lab-legend", "aria-hidden": "true" });
      for (const curve of curves.filter(curve => curve.label)) {
        const key = make("svg:svg", { width: 24, height: 12 });
        if (curve.kind === "band") {
          const box = { x: 0, y: 2, width: 24, height: 8 };
          key.append(make("svg:rect", { ...box, ...this.style(curve) }));
        } else {
          if (curve.line) key.append(make("svg:path", { d: "M0 6H24", ...this.style(curve) }));
          if (curve.marker) key.append(make("svg:path", { d: "M12 6h0", ...this.dots(curve, 4) }));
          if (curve.ring) key.append(make("svg:path", { d: "M12 6h0", ...this.holes(curve) }));
          const cross = { d: `M12 6${mark(curve)}`, ...this.crosses(curve) };
          if (curve.cross) key.append(make("svg:path", cross));
        }
        this.legend.append(make("span", {}, key, curve.label));
      }
      this.element = make("div", { class: "lab-panel" }, this.legend, this.svg);
    }

    style(curve) {
      const colour = paint(curve.color);
      if (curve.kind === "band") return { fill: colour, "fill-opacity": curve.alpha };
      return {
        fill: "none", stroke: colour, "stroke-opacity": curve.alpha, "stroke-width": curve.line,
        "stroke-linejoin": "round", "stroke-dasharray": curve.dash.join(" "),
      };
    }

    dots(curve, least = 0) {
      return {
        fill: "none", stroke: paint(curve.color), "stroke-opacity": curve.alpha,
        "stroke-width": Math.max(curve.marker, least), "stroke-linecap": "round",
      };
    }

    /* What makes rings of dots. */
    holes(curve) {
      return {
        fill: "none", stroke: "var(--lab-page)", "stroke-width": curve.ring,
        "stroke-linecap": "round",
      };
    }

    crosses(curve, width = 2.2, colour = paint(curve.color)) {
      return { fill: "none", stroke: colour, "stroke-width": width, "stroke-linecap": "butt" };
    }

    /* The axes in a panel of this size, and an empty path for each curve. */
    lay(width = this.width, height = this.height) {
      Object.assign(this, { width, height });
      const { x, y } = this.axes;
      const ticks = this.lab.data.views.flatMap(view => view[this.place].y.ticks);
      const longest = Math.max(...ticks.map(([, text]) => text.length));
      const [end, text] = x.ticks.at(-1);
      const right = end > 0.95 * this.lab.data.units ? 5 + 3.6 * text.length : 5;
      const left = 30 + 7 * longest, top = 6, bottom = 40;
      const w = Math.max(width - left - right, 20), h = height - top - bottom;
      const units = this.lab.data.units;
      this.toX = at => left + (at / units) * w;
      this.toY = at => top + (1 - at / units) * h;
      const below = top + h;
      this.svg.setAttribute("width", width);
      this.svg.setAttribute("height", height);
      const grid = make("svg:path", { class: "lab-grid" });
      const frame = make("svg:path", { class: "lab-frame" });
      const inside = make("svg:g", { "clip-path": `url(#${this.clip})` });
      const texts = make("svg:g", { class: "lab-ticks" });
      let lines = "", edges = `M${left} ${top}V${below}H${left + w}`;
      let last = -Infinity;
      for (const [at, text] of x.ticks) {
        const px = this.toX(at), half = text.length * 3.6;
        lines += `M${px} ${top}V${below}`;
        edges += `M${px} ${below}v4`;
        if (px - half < last + 4) continue;
        last = px + half;
        texts.append(make("svg:text", { x: px, y: below + 17, "text-anchor": "middle" }, text));
      }
      for (const [at, text] of y.ticks) {
        const py = this.toY(at);
        lines += `M${left} ${py}H${left + w}`;
        edges += `M${left} ${py}h-4`;
        texts.append(make("svg:text", { x: left - 7, y: py + 4, "text-anchor": "end" }, text));
      }
      grid.setAttribute("d", lines);
      frame.setAttribute("d", edges);
      const half = 3.2 * y.label.length; // of its length: it stays in the picture
      const middle = Math.max(half, Math.min(top + h / 2, height - half));
      texts.append(
        make("svg:text", { x: left + w / 2, y: height - 5, "text-anchor": "middle" }, x.label),
        make("svg:text", {
          transform: `translate(13 ${middle}) rotate(-90)`, "text-anchor": "middle",
        }, y.label),
      );
      this.paths = this.curves.map(curve => {
        if (curve.kind === "band") return [make("svg:path", this.style(curve))];
        return [
          curve.line && make("svg:path", this.style(curve)),
          curve.marker && make("svg:path", this.dots(curve)),
          curve.ring && make("svg:path", this.holes(curve)),
          curve.cross && make("svg:path", this.crosses(curve, 4.4, "var(--lab-page)")),
          curve.cross && make("svg:path", this.crosses(curve)),
        ].filter(Boolean);
      });
      this.pale = this.curves.map(curve => leavesATrace(curve)
        && make("svg:path", { ...this.style(curve), "stroke-opacity": 0.35 }));
      inside.append(...this.paths.flatMap((its, i) => (this.pale[i] ? [this.pale[i], ...its] : its)));
      const box = { x: left, y: top - 1, width: w, height: h + 2 };
      const clip = make("svg:clipPath", { id: this.clip }, make("svg:rect", box));
      this.svg.replaceChildren(clip, grid, frame, texts, inside);
    }

    axesOf(frame) {
      return this.lab.data.views[frame[VIEW]][this.place];
    }

    /* Lines of `before` lie under their successors, pale, if the axes are the same. */
    draw(frame, before) {
      this.curves.forEach((curve, i) => {
        const [x, ...ys] = frame[curve.at].map(code => this.lab.numbers(code));
        const d = !x ? "" : curve.kind === "band" ? this.band(x, ...ys) : this.line(x, ys[0]);
        for (const path of this.paths[i]) {
          const isMarks = path.hasAttribute("stroke-linecap");
          path.setAttribute("d", isMarks && x ? this.points(x, ys[0], mark(curve)) : d);
        }
        if (!this.pale[i]) return;
        const old = before && this.axesOf(before) === this.axes ? before[curve.at] : [];
        const [oldX, oldY] = old.map(code => this.lab.numbers(code));
        this.pale[i].setAttribute("d", oldX ? this.line(oldX, oldY) : "");
      });
    }

    /* "x y" of each point, and null where there is no number. */
    at(x, y) {
      const { missing } = this.lab.data;
      return x.map((value, i) =>
        value === missing || y[i] === missing
          ? null
          : `${this.toX(value).toFixed(2)} ${this.toY(y[i]).toFixed(2)}`,
      );
    }

    line(x, y) {
      let d = "", pen = "M";
      for (const point of this.at(x, y)) {
        if (point) d += pen + point;
        pen = point ? "L" : "M";
      }
      return d;
    }

    points(x, y, mark) {
      return this.at(x, y).map(point => (point ? `M${point}${mark}` : "")).join("");
    }

    band(x, lower, upper) {
      const outline = this.at(x, lower).concat(this.at(x, upper).reverse()).filter(Boolean);
      return outline.length ? `M${outline.join("L")}Z` : "";
    }
  }

  class Lab {
    constructor(div, data) {
      Object.assign(this, { div, data, id: `lab-${++labs}`, unpacked: new Map(), panels: [] });
      const known = {}; // equal axes are one object
      data.views = data.views.map(view => view.map(axes => (known[JSON.stringify(axes)] ??= axes)));
      const curves = data.curves.map((curve, i) => ({ ...curve, at: VIEW + 1 + i }));
      data.views[0].forEach((_, i) => {
        this.panels.push(new Panel(this, i, curves.filter(curve => curve.panel === i)));
      });
      this.places = data.sliders.map(slider => slider.at);
      this.table = "trained";
      this.controls = make("div", { class: "lab-controls" });
      this.inputs = data.sliders.map((slider, i) => this.control(slider, i));
      this.addButtons();
      this.picture = make("div", { class: "lab-picture", role: "img", "aria-label": data.alt });
      this.picture.append(...this.panels.map(panel => panel.element));
      this.line = make("dl", { class: "lab-numbers", "aria-live": "polite" });
      this.message = make("p", { class: "lab-message", role: "alert" });
      const note = make("p", { class: "lab-note" }, data.note);
      div.replaceChildren(this.controls, this.picture, this.line, this.message, note);
      div.classList.add("lab-live");
      new ResizeObserver(() => this.lay()).observe(this.picture);
      this.lay();
    }

    control(slider, i) {
      const id = `${this.id}-${i}`;
      const box = make("div", { class: "lab-control" });
      box.append(make("label", { for: id }, slider.label));
      let input;
      if (slider.words) {
        const options = slider.stops.map((text, k) => make("option", { value: k }, text));
        input = make("select", { id }, ...options);
      } else {
        const last = slider.stops.length - 1;
        input = make("input", { id, type: "range", min: 0, max: last, step: 1 });
        box.append(make("span", { class: "lab-value", "aria-hidden": "true" }));
      }
      box.append(input);
      input.addEventListener("input", () => {
        this.before ??= this.frame(); // until the sliders have stood still for a second
        clearTimeout(this.moment);
        this.moment = setTimeout(() => this.rest(), 1000);
        this.places[i] = Number(input.value);
        this.table = slider.table;
        this.show();
      });
      this.controls.append(box);
      return input;
    }

    addButtons() {
      this.button("Reset", () => this.reset());
    }

    button(name, act) {
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", act);
      this.controls.append(button);
      return button;
    }

    rest() {
      clearTimeout(this.moment);
      this.before = undefined;
      this.show();
    }

    reset() {
      this.places = this.data.sliders.map(slider => slider.at);
      this.table = "trained";
      this.rest();
    }

    /* The lab's numbers as a small table; the text is in_words() of site/labs.py. */
    tell(text) {
      if (text === this.told) return;
      this.told = text;
      const rows = text.split(" · ").map(part => {
        const [name, ...value] = part.split(": ");
        return make("div", {}, make("dt", {}, name), make("dd", {}, value.join(": ")));
      });
      this.line.replaceChildren(...rows);
    }

    numbers(code) {
      if (!this.unpacked.has(code)) this.unpacked.set(code, unpack(this.data.codes[code]));
      return this.unpacked.get(code);
    }

    frame() {
      const { over, frames } = this.data.tables[this.table];
      const { sliders } = this.data;
      const row = over.reduce((row, i) => row * sliders[i].stops.length + this.places[i], 0);
      return this.data.frames[frames[row]];
    }

    /* Panels in one row, or the first above the others, or all in a column; text keeps its size. */
    lay() {
      const width = Math.floor(this.picture.clientWidth);
      if (!width || width === this.width) return;
      this.width = width;
      const gap = 12, least = 215;
      const fits = row => row.reduce((sum, panel) => sum + panel.axes.width, 0) * least <= width;
      const [first, ...others] = this.panels;
      const rows = fits(this.panels) ? [this.panels]
        : others.length > 1 && fits(others) ? [[first], others]
        : this.panels.map(panel => [panel]);
      for (const row of rows) {
        const shares = row.reduce((sum, panel) => sum + panel.axes.width, 0);
        const room = width - gap * (row.length - 1);
        for (const panel of row) {
          const share = Math.floor((room * panel.axes.width) / shares);
          panel.element.style.width = `${share}px`;
          panel.lay(share, width < 500 ? 190 : 250);
        }
      }
      this.show();
    }

    show() {
      const frame = this.frame();
      for (const panel of this.panels) {
        const axes = panel.axesOf(frame);
        if (axes !== panel.axes) Object.assign(panel, { axes }).lay();
        panel.draw(frame, this.before);
      }
      this.data.sliders.forEach((slider, i) => {
        const text = slider.stops[this.places[i]], input = this.inputs[i];
        input.value = this.places[i];
        if (slider.words) return;
        input.setAttribute("aria-valuetext", text);
        input.previousElementSibling.textContent = text;
      });
      const say = (element, text) => {
        if (element.textContent !== text) element.textContent = text;
      };
      const [numbers, message] = this.texts(frame);
      this.tell(numbers);
      say(this.message, message);
    }

    texts([numbers, message]) {
      return [this.data.texts[numbers], this.data.texts[message]];
    }
  }

  /* Points fall on a band and are counted, as in course_utils/labs/rain.py. */
  class Rain extends Lab {
    addButtons() {
      const { first, inside } = this.data.rain;
      for (const name of ["x", "y", "n", "share"]) this[name] = unpack(this.data.rain[name]);
      this.rows = { inside: [], outside: [] };
      [...inside].forEach((is, i) => this.rows[is === "1" ? "inside" : "outside"].push(i));
      [this.fallen, this.falling] = [first, 0];
      this.play = this.button("Play", () => (this.clock ? this.pause() : this.start()));
      this.button("Step", () => this.fall(1));
      super.addButtons();
    }

    /* Who wants no motion sees the end. */
    start() {
      const { pace } = this.data.rain, all = this.x.length;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.fall(all);
      this.clock = setInterval(() => this.fall(1 + Math.floor((this.fallen % all) / pace)), 80);
      this.play.textContent = "Pause";
      this.line.setAttribute("aria-live", "off");
    }

    pause() {
      this.clock = clearInterval(this.clock);
      this.play.textContent = "Play";
      this.line.setAttribute("aria-live", "polite");
    }

    fall(count) {
      this.fallen %= this.x.length; // after the last comes the first
      this.falling = Math.min(count, this.x.length - this.fallen);
      this.fallen += this.falling;
      if (this.fallen === this.x.length) this.pause();
      this.show();
    }

    reset() {
      this.pause();
      [this.fallen, this.falling] = [this.data.rain.first, 0];
      this.show();
    }

    numbers(code) {
      return Array.isArray(code) ? code : super.numbers(code);
    }

    frame() {
      const { rain, missing, curves, frame } = this.data, { x, y, fallen } = this;
      const at = rows => [rows.map(i => x[i]), rows.map(i => y[i])];
      const recent = rows => at(rows.filter(i => i < fallen).slice(-rain.shown));
      const [nowX, nowY] = [x, y].map(values => values.slice(fallen - this.falling, fallen));
      const moving = {
        inside: recent(this.rows.inside),
        outside: recent(this.rows.outside),
        falling: [
          nowX.flatMap(value => [value, value, missing]),
          nowY.flatMap(value => [value, value + rain.drop, missing]),
        ],
        share: [this.n, this.share].map(values => values.slice(rain.least - 1, fallen)),
      };
      return [0, 0, 0, ...curves.map((curve, k) => moving[curve.name] ?? frame[k])];
    }

    texts() {
      const n = this.fallen, { level } = this.data.rain;
      const outside = this.rows.outside.filter(i => i < n).length;
      const error = 1.96 * Math.sqrt((level * (1 - level)) / n);
      const right = `${level.toFixed(3)} ± ${error.toFixed(3)}`;
      const numbers = {
        [`points, of ${this.x.length.toLocaleString("en")}`]: n.toLocaleString("en"),
        outside: outside.toLocaleString("en"),
        "share inside": `${((n - outside) / n).toFixed(3)}; right: ${right}`,
      };
      return [Object.entries(numbers).map(pair => pair.join(": ")).join(" · "), ""];
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
