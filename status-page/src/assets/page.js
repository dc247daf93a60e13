// The page says all without this: it makes times local, and says when the page is old.
(() => {
  "use strict";
  const local = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  for (const time of document.querySelectorAll('time[datetime*="T"]')) {
    time.title = time.textContent;
    time.textContent = local.format(new Date(time.dateTime));
  }
  const age = document.getElementById("age");
  if (!age) return;
  const look = () => {
    const minutes = Math.floor(Date.now() / 60000 - age.dataset.made / 60);
    age.hidden = minutes <= 10;
    age.textContent = `This page is ${minutes} minutes old. It may not show what is happening now.`;
  };
  look();
  setInterval(look, 30000);
})();
