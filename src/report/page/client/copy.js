// A button below each command that copies it. Where the browser grants no clipboard, as to some pages of files, the text is selected instead.
// Browser code: it defines `copied` and `addCopyButtons` for pages whose commands change.

/** Puts a text on the clipboard. @param block where it stands, to be selected; absent: nowhere */
globalThis.copied = async (text, block) => {
  if (block) getSelection().selectAllChildren(block);
  const written = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  return written || (block !== undefined && document.execCommand('copy'));
};

globalThis.addCopyButtons = () => {
  for (const block of document.querySelectorAll('pre.copy')) {
    if (block.nextElementSibling?.localName === 'button') continue;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      button.textContent = (await copied(block.textContent, block)) ? 'Copied' : 'Selected';
    });
    block.after(button);
  }
};
addCopyButtons();
