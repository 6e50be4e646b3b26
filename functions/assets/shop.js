// Small comforts; every page works without them.
"use strict";

// The time that is left of a reservation.
for (const clock of document.querySelectorAll("[data-countdown]")) {
  const end = Date.now() + Number(clock.dataset.countdown) * 1000;
  const sentence = clock.parentElement.querySelector("[data-countdown-text]");
  const many = sentence.textContent;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const minutes = Math.ceil(left / 60);
    const two = (number) => String(number).padStart(2, "0");
    clock.textContent = `${two(Math.floor(left / 60))}:${two(left % 60)}`;
    clock.hidden = left === 0;
    // Screen readers hear of the last minutes, while there is still time to renew.
    if (minutes <= 3) sentence.setAttribute("role", "status");
    const { last, expired } = sentence.dataset;
    const text = left === 0 ? expired : minutes === 1 ? last : many.replace(/\d+/, minutes);
    if (sentence.textContent !== text) sentence.textContent = text;
    if (left > 0) setTimeout(tick, 1000);
  };
  tick();
}

// Minus and plus beside number fields.
for (const stepper of document.querySelectorAll("[data-stepper]")) {
  const input = stepper.querySelector("input");
  for (const button of stepper.querySelectorAll("[data-step]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const wanted = Number(input.value) + Number(button.dataset.step);
      input.value = Math.min(Number(input.max), Math.max(Number(input.min), wanted));
    });
  }
}

// Files that are too large would only come to an end on their way.
for (const warning of document.querySelectorAll("[data-files-max]")) {
  const form = warning.closest("form");
  const fit = () => {
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    return files.reduce((bytes, file) => bytes + file.size, 0) <= Number(warning.dataset.filesMax);
  };
  form.addEventListener("change", () => { warning.hidden = fit(); });
  form.addEventListener("submit", (event) => {
    warning.hidden = fit();
    if (!warning.hidden) event.preventDefault();
  });
}

// One click, one order. The button comes back when the page is shown again by the "back" button.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});
