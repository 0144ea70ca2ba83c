// Questions to the kernel of this notebook, by way of the widget beside this frame (wire.js).
const ask = (() => {
  const open = new Map();  // number of a question -> the question, and who waits for its answer
  let number = Date.now();
  const post = (n) => window.parent.postMessage({ wire: "WIRE", number: n, question: open.get(n).question }, "*");
  window.addEventListener("message", ({ data }) => {
    if (data?.wire !== "WIRE" || !open.has(data.number)) return;
    open.get(data.number).resolve(data.answer);
    open.delete(data.number);
  });
  setInterval(() => open.forEach((_, n) => post(n)), 2000);  // the widget may not be there yet
  return (question) => new Promise((resolve) => {
    open.set(++number, { question, resolve });
    post(number);
  });
})();
