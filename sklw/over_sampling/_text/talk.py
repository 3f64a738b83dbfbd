"""How models talk about the texts that they write: what is taken off, and what is no text."""

import re

__all__ = [
    "ANNOUNCEMENT", "COURTESY", "FIELDS", "MADE", "META_SIGNS", "NOUNS", "PARTING", "REMARK",
    "SEVERAL", "is_courtesy", "is_meta",
]  # fmt: skip

_LINES = re.IGNORECASE | re.MULTILINE
FIELDS = (
    "text", "message", "example", "output", "answer", "row", "response",
    "nachricht", "beispiel", "antwort", "texte", "exemple", "réponse", "texto", "mensaje",
    "ejemplo", "respuesta", "текст", "сообщение", "пример", "ответ", "文本", "消息", "示例",
    "回答", "テキスト", "メッセージ", "例文",
)  # fmt: skip
NOUNS = "|".join(FIELDS) + "|e-?mail|mail|letter|tweet|post|review|request|query|sample|sentence"
_KINDS = rf"(?:{NOUNS}|version)s?"
MADE = r"(?:new|another|rewritten|revised|paraphrased|generated|modified|updated)\s+"
_COURTESIES = (
    r"sure(?: thing)?|certainly|of course|absolutely|okay|got it|understood|no problem|gladly"
    r"|natürlich|bien sûr|por supuesto|конечно|好的|当然|はい|물론입니다|بالتأكيد"
)
# The others may be all that a text says.
_EAGER = rf"(?:{_COURTESIES}|ok|great|alright|gerne|klar|claro|certo)"
# No line break, or many empty lines would be read from each of them on.
_AROUND = r"[^\w\n]*"
_LEAD = rf"^{_AROUND}(?:{_EAGER}(?:\b[^.:：]{{0,40}}\w[!,.])?\W+)?"
_HERE = (
    r"(?:(?:here|below)(?:['’]s| is| are)?\s+(?:an?|one|another|some|two|three|four|five|ten|\d+"
    rf"|the\s+(?:{MADE}|{NOUNS}))\b|the following (?:is|are)\b|based on (?:the|your)\b"
    r"|i(?:['’]ve| have) (?:written|created|rewritten|drafted|generated|prepared)\b)"
)
# "Here is a new message", but not "Here is my address".
_SOME_ABROAD = (
    r"(?:eine?[nmrs]?|noch|einige|weitere|zwei|drei|vier|fünf|zehn|une?|des|d['’]autres|quelques"
    r"|deux|trois|quatre|cinq|dix|un[oa]s?|otr[oa]s?|algun[oa]s|dos|tres|cuatro|cinco|diez"
    r"|alcun[ie]|altr[ie]|due|tre|quattro|cinque|dieci|\d+|(?:d(?:er|ie|as)|l[ea]|el|il)\s+"
    r"(?:nachricht|text|beispiel|message|texte|exemple|mensaje|texto|ejemplo|messaggio|testo"
    r"|esempio))\b"
)
_ABROAD = (
    rf"(?:hier (?:ist|sind|kommt|kommen)|voici|aqu[ií](?: \w+)?|ecco)\s+{_SOME_ABROAD}"
    r"|вот\b|以下|这是|다음은|إليك"
)
# A colon that only marks follow: looked for behind the last word alone.
_COLON_ENDS = rf"\b[^\w:：\n]*[:：]{_AROUND}$"
COURTESY = re.compile(
    rf"^{_AROUND}(?:{_COURTESIES}){_AROUND}$|{_LEAD}here (?:you go|it is){_AROUND}$", _LINES
)
ANNOUNCEMENT = re.compile(
    rf"{_LEAD}(?:(?:{_HERE}|{_ABROAD}).*{_COLON_ENDS}|(?:here(?: you go| it is)?|{_EAGER}"
    rf"|(?:{MADE})?(?:{NOUNS}|version|option)\s*(?:[#\d]\d*\s*)?|in other words|rewritten)"
    rf"[:：]{_AROUND}$)",
    _LINES,
)
_NOTE = r"(?:note|explanation|instructions?|disclaimer)\s*:"
SEVERAL = re.compile(
    rf"{_LEAD}(?:here|below)\s+are\s+(?:some|two|three|four|five|ten|\d+)\s+(?:[\w'’-]+\s+){{0,3}}"
    rf"(?:{NOUNS}|version|variation|option)s\b.*{_COLON_ENDS}",
    _LINES,
)
REMARK = re.compile(
    rf"^[(*\[_]*{_NOTE}(?=.*(?:fictional|made up|realistic|placeholder|label\b|original\b"
    rf"|this (?:{NOUNS})\b))",
    _LINES,
)
# How models take their leave, and what shows that it is them.
_CLOSINGS = {
    "let me know if you": rf"another|more {_KINDS}|different|variation|version|example|adjust",
    "would you like": rf"(?:me to|another|more) (?:write|generate|create|{_KINDS})",
    rf"i hope th(?:is|ese) {_KINDS}": "helps?|meets?|works?|fits?|is",
    "feel free to": rf"(?:adjust|adapt|modify|customi[sz]e|tweak) (?:it|the|this)"
    rf" (?:to|as|details|wording|{_KINDS})",
    rf"th(?:is|ese) (?:{MADE})?{_KINDS}": r"(?:keep|maintain|preserve|retain|reflect|follow)s?"
    r"\b.{0,30}\b(?:label|category|tone|style|original)",
}
# Below a rule, where a text would hardly go on like that.
PARTING = re.compile(rf"^{_AROUND}(?:{'|'.join(_CLOSINGS)}|i hope this|{_NOTE})", _LINES)

_WRITE = r"(?:generat|creat|(?:re)?writ|produc|provid|shar|engag|continu)(?:e|ing)(?: in| with)?"
_UNWANTED = (
    r"another|content|material|speech|hat(?:e|red|eful)|harmful|offensive|abusive|racist|sexist"
    r"|toxic|discriminatory|derogatory|spam|scams?|phishing|fraud\w*|deceptive|misleading|slurs"
    r"|insult\w*|violen\w+|explicit|(?:text|example|response)s?"
)
# Apologies, "I cannot", to help, with that, to comply with, to write, in Romance languages.
_ROMANCE = (
    (
        "lo siento|lamento|disculp[ae]",
        "no puedo",
        r"ayudar\w*|asistir\w*",
        r"(?:con|en) (?:es[aeo]|est[aeo]|tu|su)",
        r"cumplir|atender|satisfacer|responder a|completar",
        "generar|crear|escribir|redactar|producir|proporcionar",
        "solicitud|petición|pedido",
    ),
    (
        "désolée?|navrée?",
        r"je ne (?:peux|suis) pas(?: en mesure de?)?",
        r"(?:(?:vous|t)\W?)?aider",
        r"(?:avec|dans|sur|pour|à) (?:cela|ça|cette|ce|votre)",
        r"satisfaire(?: à)?|répondre à|accéder à|donner suite à",
        "générer|créer|écrire|rédiger|produire|fournir",
        "demande|requête",
    ),
    (
        "desculp[ae]|sinto muito|lamento",
        r"não (?:posso|consigo)",
        r"(?:te |o |a )?ajud[aá]\S*|auxiliar",
        r"(?:com|n)\s?(?:is[st]o|es[st][ae]|seu|sua)",
        "atender(?: a)?|cumprir|satisfazer|responder a",
        "gerar|criar|escrever|redigir|produzir|fornecer",
        "pedido|solicitação",
    ),
    (
        "mi (?:di)?spiace|spiacente|scus[ai]",
        "non posso",
        r"aiutar\w+|assister\w+",
        r"(?:con|in|a) (?:ciò|quest[aeo]|la tua|la sua)",
        "soddisfare|esaudire|accogliere|rispondere a",
        "generare|creare|scrivere|produrre|fornire",
        "richiesta",
    ),
)
_UNWANTED_ABROAD = (
    r"conten[iu]\w+|conteúdos?|te[xs]t[eio]s?|ej?[sxj]e?mp[il]\w+|spam|phishing|[oó]dio|haineu\w+"
    r"|haine|off?ens\w+|fraud\w+|frod\w+|engañ\w+|engan\w+|tromp\w+|ingann\w+|estafa\w*"
    r"|truff\w+|arnaque\w*|dañin\w+|nuisible\w*|dannos\w+|prejudicia\w+|discrimin\w+|racis\w+"
)


def _refusal(
    sorry: str, cannot: str, aid: str, with_that: str, comply: str, write: str, request: str
) -> str:
    """Return a pattern for refusals of one language."""
    return (
        rf"(?:\b(?:{cannot}) (?:(?:{aid}) {with_that}\b"
        rf"|(?:{comply})\b[^.!?]{{0,12}}\b(?:{request})\b"
        rf"|(?:{write})\b[^.!?]{{0,40}}\b(?:{_UNWANTED_ABROAD}))"
        rf"|\b(?:{sorry})\b.{{0,40}}\b(?:{cannot}) (?:{aid}|{write})\W*(?:[.!?]|$))"
    )


_REFUSALS = (
    r"\bi(?: simply| just)?(?: can['’]t| can ?not| won['’]t| will not|(?: do not| don['’]t) feel"
    r" comfortable|(?: am|['’]m) (?:un|not )(?:able to|going to|comfortable)) (?:assist|comply"
    r"|fulfil|(?:be able to )?help(?: you)?(?: with| by)? (?:that|this|your request|creating"
    rf"|generating|writing|producing)\b|{_WRITE} (?:(?:that|this|it)\W*(?:[.,!]|$)|[^.!?]{{0,40}}"
    rf"\b(?:{_UNWANTED})\b))",
    r"\bi (?:must|need to|have to)(?: respectfully)? decline(?:\W*$| (?:this|that|your|the) request"
    rf"| to {_WRITE})",
    rf"\b(?:not |in)appropriate to {_WRITE}",
    r"\bagainst my (?:guidelines|polic\w+|programming|values|principles)\b",
    r"\b(?:sorry|i(?: am|['’]m) (?:unable|not able)|apolog\w+)\b.{0,60}\b(?:assist|comply"
    r"|fulfil|as an ai\b)",
    *(_refusal(*words) for words in _ROMANCE),
    r"je ne peux pas (?:vous aider|répondre à (?:cette|votre) demande|générer|créer)",
    r"(?:tut mir leid|entschuldigung|entschuldigen sie)\b.{0,60}\b(?:nicht|keine\w*)\b.{0,30}"
    r"\b(?:(?:weiter)?helfen|behilflich|erstellen|generieren|verfassen|erfüllen|nachkommen)",
    r"\b(?:kann ich|ich kann)\b(?=.{0,40}\bnicht\b)(?:(?<=\b(?:dabei|damit) kann ich)|.{0,30}"
    r"\b(?:dabei|damit|(?:diese|deine|ihre)[rn]? (?:anfrage|bitte|aufforderung)))\b.{0,40}\b"
    r"(?:(?:weiter)?helfen|behilflich|erfüllen|nachkommen|bearbeiten|entsprechen)",
    r"\bich (?:kann|darf|werde)\b.{0,20}\bkeine\w*\b.{0,40}\b(?:inhalte?|texte?|beispiele?|spam"
    r"|hass|phishing|beleidig|betr[uü]g|schädlich|diskriminier|rassist|irreführ)[\w-]*\b.{0,40}"
    r"\b(?:erstell|generier|verfass|schreib|erzeug|produzier|bereitstell)en",
    r"(?:抱歉|对不起).{0,10}(?:无法|不能)(?:满足|提供|协助|帮助|生成|创建|完成)",
    r"申し訳.{0,30}(?:お手伝い|お応え|対応|作成|生成).{0,10}(?:できません|いたしかねます)",
)
# Kept apart, for real rows of a class may show one of them and not the others.
META_SIGNS = tuple(
    re.compile(sign, re.IGNORECASE).search
    for sign in (
        ANNOUNCEMENT.pattern,
        rf"^\W*{_EAGER}\b[^.:：]{{0,40}}[!,.]\s*{_HERE}",
        rf"^\W*(?:{_COURTESIES})\b[^.]{{0,40}}[!,.:]\s*i(?:['’]ll| can| will) (?:help|create"
        r"|generate|(?:re)?write|provide)\b",
        rf"{_LEAD}here(?:['’]s| is| are| goes)\b[^.!?]{{0,60}}\b(?:{_KINDS}|ones?|attempt|list)\b",
        rf"^\W*(?:the following|this) (?:is|are)\b[^.!?]{{0,40}}(?:{MADE}|\b(?:realistic|similar"
        rf"|synthetic|fictional|possible) )(?:\w+ )?{_KINDS}\b",
        r"^\W*as an? (?:\w+ ){0,2}(?:ai|artificial intelligence|language model)\b",
        r"^\W*(?:als (?:eine? )?(?:ki|künstliche intelligenz|(?:\w+[ -])?sprachmodell)"
        r"|(?:como|come) (?:\w+ )?(?:modelo de l[ei]ngua\w+|modello linguistico"
        r"|inteligencia artificial|inteligência artificial|intelligenza artificiale)"
        r"|en tant qu(?:e modèle de langage|['’](?:ia|intelligence artificielle)))\b",
        *(rf"^[^.!?]{{0,80}}{sign}" for sign in _REFUSALS),
        r"^\W*(?:label|sentiment|category)\s*\d*\s*:",
        rf"^\W*{_NOTE}",
        r"^\W*\{\s*\"[^\"]+\"\s*:.*\}[^\w}]*$",
        *(
            rf"\b{opening}\b.{{0,30}}\b(?:{rest})[^.!?]{{0,80}}\W*$"
            for opening, rest in _CLOSINGS.items()
        ),
    )
)


def is_courtesy(text: str) -> bool:
    """Say whether a model is only about to answer."""
    return bool(COURTESY.search(text))


def is_meta(text: str) -> bool:
    """Say whether a text shows any of the signs that it is none."""
    return any(sign(text) for sign in META_SIGNS)
