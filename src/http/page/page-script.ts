/**
 * Script that updates the page: it fetches the page every five seconds and replaces the parts that differ. Open, selected and focused parts
 * stay. Without the script the page reloads by itself.
 */
export const pageScript = `
'use strict'
const stale = document.getElementById('stale')
let isLooking = false
async function look() {
  if (document.hidden || isLooking) return
  isLooking = true
  try {
    // One that hangs says as little as one that is gone.
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(4000) })
    if (!answer.ok) throw new Error(String(answer.status))
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    stale.textContent = ''
  } catch {
    // Said once: it would be read aloud with every change.
    if (stale.textContent !== '') return
    stale.textContent = 'No answer: what stands here is old.'
    const verdict = document.getElementById('verdict')
    verdict.classList.add('old')
    verdict.querySelector('.badge').textContent = '? Not known'
  } finally {
    isLooking = false
  }
}
function show(fresh) {
  document.title = fresh.title
  const [icon, nextIcon] = [document, fresh].map((one) => one.querySelector('link[rel=icon]'))
  if (icon.href !== nextIcon.href) icon.replaceWith(nextIcon)
  for (const old of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(old.id)
    if (!next || old.contains(document.activeElement)) continue
    if (old.outerHTML === next.outerHTML) continue
    // A region that is read aloud must stay the same element, and change only if its words do.
    if (old.getAttribute('role') === 'status') {
      old.className = next.className
      if (old.textContent !== next.textContent) old.innerHTML = next.innerHTML
    } else old.replaceWith(next)
  }
}
setInterval(look, 5000)
document.addEventListener('visibilitychange', look)
`
