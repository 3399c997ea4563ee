// A report can be read without this: it sorts and filters tables, and opens for the printer
// what is closed.
(function () {
	"use strict";
	function all(within, what) { return Array.prototype.slice.call(within.querySelectorAll(what)); }
	function make(what, text) {
		var e = document.createElement(what);
		if (text) { e.textContent = text; }
		return e;
	}

	// A row and what belongs to it are a tbody.
	function value(body, column) {
		var cell = body.rows[0].cells[column], number = cell.getAttribute("data-sort");
		return number === null ? cell.textContent : parseFloat(number);
	}
	function compare(a, b) {
		return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", {numeric: true});
	}
	function sort(table, column) {
		var head = table.tHead.rows[0].cells[column];
		var first = head.classList.contains("n") ? "descending" : "ascending";
		var order = head.getAttribute("aria-sort");
		order = !order ? first : order === "ascending" ? "descending" : "ascending";
		all(table.tHead, "th").forEach(function (th) { th.removeAttribute("aria-sort"); });
		head.setAttribute("aria-sort", order);
		Array.prototype.map.call(table.tBodies, function (body) { return {body: body, value: value(body, column)}; })
			.sort(function (a, b) { return order === "ascending" ? compare(a.value, b.value) : compare(b.value, a.value); })
			.forEach(function (row) { table.appendChild(row.body); });
	}
	function sortable(table) {
		Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th, column) {
			var button = make("button", th.textContent);
			button.type = "button";
			button.addEventListener("click", function () { sort(table, column); });
			th.textContent = "";
			th.appendChild(button);
		});
	}

	function filterable(table) {
		var label = make("label", "Filter "), input = make("input"), seen = make("output"), box = make("div");
		var total = table.tBodies.length;
		box.className = "filter";
		input.type = "search";
		input.placeholder = "words that a row has";
		input.setAttribute("aria-label", "Filter: " + table.caption.textContent);
		label.appendChild(input);
		box.appendChild(label);
		box.appendChild(seen);
		input.addEventListener("input", function () {
			var words = input.value.toLowerCase().split(/\s+/), shown = 0;
			Array.prototype.forEach.call(table.tBodies, function (body) {
				var text = body.textContent.toLowerCase();
				body.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
				shown += body.hidden ? 0 : 1;
			});
			seen.textContent = input.value ? shown + " of " + total : "";
		});
		table.parentNode.parentNode.insertBefore(box, table.parentNode);
	}

	all(document, "table.sortable").forEach(function (table) {
		sortable(table);
		if (table.hasAttribute("data-many")) { filterable(table); }
	});

	var opened = [];
	window.addEventListener("beforeprint", function () {
		opened = all(document, ".more > td > details:not([open])");
		opened.forEach(function (d) { d.open = true; });
	});
	window.addEventListener("afterprint", function () {
		opened.forEach(function (d) { d.open = false; });
		opened = [];
	});
})();
