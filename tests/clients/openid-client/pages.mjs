// A person at a browser without scripts: follows redirects, fills forms in, keeps cookies.

const unescape = (text) =>
  text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

const attributes = (tag) =>
  Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, unescape(value)]))

const tags = (html, name) => [...html.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'g'))].map(([tag]) => attributes(tag))

// Fields as a browser would send them: of radio buttons and of submit buttons, the first.
const fieldsOf = (html) => {
  const fields = {}
  for (const field of [...tags(html, 'input'), ...tags(html, 'button')]) {
    if (field.name && !(field.name in fields)) fields[field.name] = field.value ?? ''
  }
  return fields
}

export class Person {
  #cookies = new Map()

  constructor(origin, login, password) {
    this.origin = origin
    this.typed = { login, password }
  }

  // Goes to the address and through every page, until the browser is sent to `target`, whose full address it returns.
  async arrive(address, target) {
    let response = await this.#fetch(address)
    for (let steps = 0; steps < 12; steps += 1) {
      const location = response.headers.get('location')
      if (location?.startsWith(target)) return new URL(location)
      response = location ? await this.#fetch(new URL(location, this.origin)) : await this.#submit(response)
    }
    throw new Error(`never arrived at ${target}`)
  }

  async #submit(response) {
    const html = await response.text()
    const form = tags(html, 'form').at(0)
    if (response.status !== 200 || !form) throw new Error(`no form to fill in, status ${response.status}`)
    const body = new URLSearchParams({ ...fieldsOf(html), ...this.#known(html) })
    return this.#fetch(new URL(form.action, this.origin), { method: 'POST', body, headers: { origin: this.origin } })
  }

  #known(html) {
    return Object.fromEntries(Object.entries(this.typed).filter(([name]) => html.includes(`name="${name}"`)))
  }

  async #fetch(address, options = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...options.headers, ...(cookie && { cookie }) }
    const response = await fetch(address, { ...options, headers, redirect: 'manual' })
    for (const each of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)
      this.#cookies.set(name, value)
    }
    return response
  }
}
