(function () {
	"use strict";
	var graph = document.getElementById("flame"), head = document.getElementById("head");
	var search = document.getElementById("search"), matched = document.getElementById("matched");
	var reset = document.getElementById("reset"), info = document.getElementById("info"), help = info.textContent;

	// On a page with other things it gets only the keys that are pressed within it, and its
	// head stays where it is.
	var alone = !graph.closest("main");

	// Frames by their place in the whole graph, in percent of its width.
	var frames = Array.prototype.map.call(graph.querySelectorAll("svg.f"), function (e) {
		return {
			e: e, x: parseFloat(e.getAttribute("x")), w: parseFloat(e.getAttribute("width")), y: +e.getAttribute("y"),
			title: e.querySelector("title").textContent, name: e.querySelector("text").textContent
		};
	});
	var byElement = new Map(frames.map(function (f) { return [f.e, f]; }));
	var slack = 0.001, zoomed = frames[0], at = null, hits = [];

	function covers(a, b) { return a.x <= b.x + slack && a.x + a.w >= b.x + b.w - slack; }
	function visible(f) { return !f.e.classList.contains("hidden"); }

	function zoom(to) {
		zoomed = to;
		frames.forEach(function (f) {
			var below = f.y < to.y && covers(f, to), within = f.y >= to.y && covers(to, f);
			f.e.classList.toggle("below", below);
			f.e.classList.toggle("hidden", !below && !within);
			f.e.setAttribute("x", (below ? 0 : (f.x - to.x) * 100 / to.w) + "%");
			f.e.setAttribute("width", (below ? 100 : f.w * 100 / to.w) + "%");
		});
		reset.textContent = to === frames[0] ? "" : "show all";
		count();
	}

	function point(f) {
		if (at) { at.e.classList.remove("at"); }
		at = f;
		if (f) { f.e.classList.add("at"); }
		info.textContent = f ? f.title : help;
	}

	function go(f) {
		if (!f) { return; }
		point(f);
		if (!alone) { f.e.scrollIntoView({block: "nearest"}); return; }
		var top = f.y - parseFloat(head.firstElementChild.getAttribute("height")), page = window.innerHeight;
		if (top < window.scrollY || f.y + 40 > window.scrollY + page) { window.scrollTo(0, Math.max(0, top - page / 3)); }
	}

	// A match within another counts once.
	function count() {
		if (!graph.classList.contains("searching")) { matched.textContent = ""; return; }
		var sum = 0, end = -1, within = hits.filter(function (f) { return f.y >= zoomed.y && covers(zoomed, f); });
		within.slice().sort(function (a, b) { return a.x - b.x || b.w - a.w; })
			.forEach(function (f) {
				if (f.x + f.w > end + slack) { sum += f.x + f.w - Math.max(f.x, end); end = f.x + f.w; }
			});
		matched.textContent = "matched: " + (sum * 100 / zoomed.w).toFixed(1) + "%, " + within.length + " frames";
	}

	function find(words) {
		var re = null;
		try { re = words ? new RegExp(words, "i") : null; } catch (e) {
			graph.classList.remove("searching");
			matched.textContent = "not a regular expression";
			return;
		}
		hits = [];
		frames.forEach(function (f) {
			var hit = !!re && f !== frames[0] && re.test(f.title);
			f.e.classList.toggle("match", hit);
			if (hit) { hits.push(f); }
		});
		graph.classList.toggle("searching", !!re);
		count();
	}

	function nearest(row, x) {
		return frames.filter(function (f) { return f.y === row && visible(f); })
			.sort(function (a, b) { return away(a, x) - away(b, x) || b.w - a.w; })[0];
	}
	function away(f, x) { return x < f.x ? f.x - x : x > f.x + f.w ? x - f.x - f.w : 0; }

	var row = 18;
	var keys = {
		ArrowDown: function (f) { // to the widest that it called
			return frames.filter(function (c) { return c.y === f.y + row && visible(c) && covers(f, c); })
				.sort(function (a, b) { return b.w - a.w; })[0];
		},
		ArrowUp: function (f) { return nearest(f.y - row, f.x + f.w / 2); },
		ArrowLeft: function (f) {
			return frames.filter(function (c) { return c.y === f.y && visible(c) && c.x < f.x - slack; }).pop();
		},
		ArrowRight: function (f) {
			return frames.filter(function (c) { return c.y === f.y && visible(c) && c.x > f.x + slack; })
				.sort(function (a, b) { return a.x - b.x; })[0];
		},
		Enter: function (f) { zoom(f); return f; }
	};

	graph.addEventListener("click", function (event) {
		var e = event.target.closest ? event.target.closest("svg.f") : null;
		if (e) { zoom(byElement.get(e)); }
	});
	graph.addEventListener("mouseover", function (event) {
		var e = event.target.closest ? event.target.closest("svg.f") : null;
		if (e) { point(byElement.get(e)); }
	});
	search.addEventListener("input", function () { find(search.value); });
	reset.addEventListener("click", function () { zoom(frames[0]); });

	(alone ? document : graph).addEventListener("keydown", function (event) {
		if (event.ctrlKey || event.altKey || event.metaKey) { return; }
		if (event.key === "Escape") {
			if (graph.classList.contains("searching") || search.value) { search.value = ""; find(""); } else { zoom(frames[0]); point(null); }
			search.blur();
			graph.focus();
		} else if (event.target === search) {
			if (event.key === "Enter") { search.blur(); graph.focus(); go(hits[0]); }
			return;
		} else if (event.key === "/") {
			search.focus();
		} else if (event.key === "n" && hits.length) {
			var shown = hits.filter(visible);
			go(shown[(shown.indexOf(at) + 1) % shown.length]);
		} else if (event.key === "Enter" && event.target === reset) {
			zoom(frames[0]);
		} else if (keys[event.key]) {
			go(at ? keys[event.key](at) : zoomed);
		} else {
			return;
		}
		event.preventDefault();
	});

	// The head stays, and its legend fits.
	function settle() {
		head.setAttribute("transform", "translate(0," + window.scrollY + ")");
	}
	function fit() {
		var x = 8, y = 48, width = graph.getBoundingClientRect().width;
		Array.prototype.forEach.call(graph.querySelectorAll(".legend"), function (g) {
			var w = g.getBBox().width;
			if (x > 8 && x + w > width - 8) { x = 8; y += 18; }
			g.setAttribute("transform", "translate(" + x + "," + y + ")");
			x += w + 16;
		});
	}
	window.addEventListener("resize", fit);
	if (alone) {
		window.addEventListener("scroll", settle);
		settle();
	}
	fit();
})();
