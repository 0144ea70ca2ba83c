// Between the kernel (stsf/lab/viewer/wire.py) and the page in its frame (ask_notebook.js).
export default {
  render({ model }) {
    const waiting = new Map();  // number of a question -> the window that asked it
    const asked = ({ source, data }) => {
      if (data?.wire !== model.get("name") || waiting.has(data.number)) return;
      waiting.set(data.number, source);
      model.send({ number: data.number, question: data.question });
    };
    const answered = (message) => {
      waiting.get(message.number)?.postMessage({ wire: model.get("name"), ...message }, "*");
      waiting.delete(message.number);
    };
    window.addEventListener("message", asked);
    model.on("msg:custom", answered);
    return () => {
      window.removeEventListener("message", asked);
      model.off("msg:custom", answered);
    };
  },
};
