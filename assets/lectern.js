// Improves pages that work without it: shortcuts, dropped files, menus that close.
(function () {
  "use strict";
  var pending = false;
  var typing = function (node) { return node.closest("input, select, textarea, [contenteditable]") !== null; };
  // Suggestions of the search box: arrows move through them, Escape and a search close them.
  var close = function () {
    var list = document.getElementById("suggestions");
    if (!list || !list.firstChild) { return false; }
    list.replaceChildren();
    var box = document.getElementById("q");
    if (window.htmx) { window.htmx.trigger(box, "htmx:abort"); }
    return true;
  };
  document.addEventListener("submit", close);
  document.addEventListener("keydown", function (event) {
    var place = event.target.closest(".typing");
    if (!place) { return; }
    var stops = Array.from(place.querySelectorAll("#q, #suggestions a"));
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    var next = step && stops[stops.indexOf(event.target) + step];
    if (next) { event.preventDefault(); next.focus(); }
    if (event.key === "Escape" && close()) { event.preventDefault(); document.getElementById("q").focus(); }
  });
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    var help = document.getElementById("help");
    if (event.key === "Escape") {
      document.querySelectorAll(".bar details[open]").forEach(function (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      return;
    }
    if (typing(event.target)) { return; }
    if (pending) {
      pending = false;
      var link = document.querySelector('[data-key="' + CSS.escape(event.key) + '"]');
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "/") {
      var box = document.getElementById("find") || document.getElementById("q");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    } else if (event.key === "?" && help) {
      event.preventDefault();
      if (help.open) { help.close(); } else { help.showModal(); }
    } else if (event.key === "g") {
      pending = true;
      setTimeout(function () { pending = false; }, 1500);
    }
  });
  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-help]")) { document.getElementById("help").showModal(); }
    document.querySelectorAll(".bar details[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) { menu.open = false; }
    });
    var all = event.target.closest("[data-all]");
    if (all) {
      all.closest("form").querySelectorAll('input[name="' + all.dataset.all + '"]').forEach(function (box) {
        box.checked = all.checked;
      });
    }
  });
  // A form that was refused shows what was typed. Any other error is said where messages are.
  var isForm = function (event) { return event.detail.requestConfig && event.detail.requestConfig.verb === "post"; };
  var hadFocus = false;
  document.addEventListener("htmx:beforeSwap", function (event) {
    var detail = event.detail;
    hadFocus = detail.target.contains(document.activeElement);
    if (detail.xhr.status >= 400 && /id="refused"/.test(detail.xhr.responseText)) {
      detail.shouldSwap = true;
      detail.isError = false;
    }
  });
  // Whoever works with the keyboard stays where something happened.
  document.addEventListener("htmx:afterSettle", function (event) {
    var place = document.getElementById("refused-value") || document.getElementById("flash");
    if (isForm(event)) { place.focus(); return; }
    if (hadFocus && document.activeElement === document.body) { document.getElementById("main").focus({ preventScroll: true }); }
  });
  var say = function (text) {
    return function (event) {
      if (!isForm(event)) { return; }
      var note = document.createElement("div");
      note.className = "note bad";
      note.append(document.createElement("p"));
      note.firstChild.textContent = "Not done. " + text;
      document.getElementById("flash").replaceChildren(note);
      document.getElementById("flash").focus();
    };
  };
  document.addEventListener("htmx:responseError", say("The server refused it: load the page again, then repeat it."));
  document.addEventListener("htmx:sendError", say("The server cannot be reached: try again."));
  // What was unfolded in place takes the focus of the link that unfolded it.
  document.addEventListener("htmx:load", function (event) {
    var first = event.detail.elt.matches("[data-focus]") && event.detail.elt.querySelector("a");
    if (first) { first.focus(); }
  });
  ["dragover", "dragleave", "drop"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var zone = event.target.closest && event.target.closest(".drop");
      if (!zone) { return; }
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) {
        zone.querySelector("input[type=file]").files = event.dataTransfer.files;
      }
    });
  });
})();
