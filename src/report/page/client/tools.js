// A line of buttons, and what else there is to say of them: what charts and figures that zoom have above them. Browser code: it defines
// `toolsOf` for the code behind it in the same script.
globalThis.toolsOf = (text, actions) => {
  const tools = document.createElement('p');
  tools.className = 'tools';
  tools.append(text);
  for (const [word, action] of actions) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = word;
    button.addEventListener('click', action);
    tools.append(button);
  }
  return tools;
};
