// The bell needs none of this: it is here to show what a page can do with it.
document.querySelector("#ring").addEventListener("click", () => fetch("/ring", { method: "POST" }));

customElements.whenDefined("carillon-bell").then(async () => {
  const element = document.querySelector("carillon-bell");
  await element.updateComplete;
  element.activeBell.on("new", ({ notification }) => {
    document.querySelector("#heard").textContent = `Heard: ${notification.title}`;
  });
  element.activeBell.on("count", (unread) => {
    document.title = unread > 0 ? `(${unread}) Nordlys Studio` : "Nordlys Studio";
  });
});
