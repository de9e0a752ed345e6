"""The first round on the page: Ada shares a password with Ben, Ben opens it, and Ada's message changes."""

from __future__ import annotations

from bot.sandbox.page.settings import RoundOffer, RoundStep, Texts

_AS_BEN: Texts = {"en": "Be Ben", "de": "Ben sein", "fr": "Être Ben"}
_AS_ADA: Texts = {"en": "Be Ada", "de": "Ada sein", "fr": "Être Ada"}
_WRITE: Texts = {"en": "Write it for me", "de": "Für mich schreiben", "fr": "L’écrire pour moi"}

FIRST_ROUND = (
    RoundStep(
        {
            "en": "Share a password with Ben: type /ots share @ben in #team, and press Enter.",
            "de": "Teile ein Passwort mit Ben: Tippe /ots share @ben in #team und drücke Enter.",
            "fr": "Partagez un mot de passe avec Ben : tapez /ots share @ben dans #team, puis Entrée.",
        },
        event="window",
        person="ada",
        window="share",
        offers=[RoundOffer(_WRITE, "ada", "team", "/ots share @ben")],
    ),
    RoundStep(
        {
            "en": "Type any text as the secret. Then press the button at the lower right of the window.",
            "de": "Tippe irgendeinen Text als Geheimnis. Drücke dann den Knopf rechts unten im Fenster.",
            "fr": "Tapez un texte quelconque comme secret. Appuyez ensuite sur le bouton en bas à droite.",
        },
        event="message",
        person="ben",
    ),
    RoundStep(
        {
            "en": "Now be Ben: the app has sent him a message. Open the secret with its button.",
            "de": "Sei jetzt Ben: Die App hat ihm eine Nachricht geschickt. Öffne das Geheimnis mit ihrem Knopf.",
            "fr": "Soyez maintenant Ben : l’appli lui a envoyé un message. Ouvrez le secret avec son bouton.",
        },
        event="opened",
        person="ben",
        offers=[RoundOffer(_AS_BEN, "ben", "app")],
    ),
    RoundStep(
        {
            "en": "Ben has opened it, and nobody can open it again. Be Ada again, and read her messages.",
            "de": "Ben hat es geöffnet, und niemand kann es noch einmal öffnen. Sei wieder Ada und lies, was sie hat.",
            "fr": "Ben l’a ouvert, et personne ne peut le rouvrir. Redevenez Ada, et lisez ses messages.",
        },
        event="reading",
        person="ada",
        offers=[RoundOffer(_AS_ADA, "ada", "app")],
    ),
    RoundStep(
        {
            "en": "Ada’s message has changed: Ben opened the secret. That was the round. For everything else: /ots",
            "de": "Adas Nachricht hat sich geändert: Ben hat es geöffnet. Das war die Runde. Alles andere: /ots",
            "fr": "Le message d’Ada a changé : Ben a ouvert le secret. Le tour est fini. Pour tout le reste : /ots",
        },
        offers=[RoundOffer(_WRITE, "ada", "team", "/ots")],
    ),
)
