/**
 * Keeps the page as it is now: every five seconds it is asked for again, and what differs takes the place of what stood there. What is
 * open, marked or focused stays. Without it the page loads anew by itself.
 */
export const pageScript = `
'use strict'
const stale = document.getElementById('stale')
let answeredAt = Date.now()
async function look() {
  if (document.hidden) return
  try {
    const answer = await fetch(location.href, { cache: 'no-store' })
    if (!answer.ok) throw new Error(String(answer.status))
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    answeredAt = Date.now()
    stale.textContent = ''
  } catch {
    stale.textContent = 'No answer for ' + Math.round((Date.now() - answeredAt) / 1000) + ' s: what stands here is old.'
  }
}
function show(fresh) {
  document.title = fresh.title
  for (const name of ['icon']) {
    const [old, next] = [document, fresh].map((one) => one.querySelector('link[rel=' + name + ']'))
    if (old.href !== next.href) old.replaceWith(next)
  }
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
