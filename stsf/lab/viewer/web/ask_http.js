// Questions to the Python that serves this page (stsf/lab/viewer/serve.py).
const ask = async (question) => {
  const answer = await fetch(`ask${location.search}`, { method: "POST", body: JSON.stringify(question) });
  return answer.ok ? answer.json() : {};
};
