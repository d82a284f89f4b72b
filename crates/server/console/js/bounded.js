// Answers of servers that may mean ill: no more is read than any of them has to say.

const MOST = 1 << 20;

/** The text of an answer. Whoever sends more than `most` bytes is not listened to. */
export async function textOf(answer, most = MOST) {
  if (!answer.body) return '';
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.length;
    if (length > most) {
      await reader.cancel().catch(() => {});
      throw new Error('the answer is too long');
    }
    text += decoder.decode(value, { stream: true });
  }
}
