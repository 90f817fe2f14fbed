"""Words of made-up titles and names, chosen so that what comes of them is nothing real."""


def _words(text: str) -> list[str]:
    return text.split()


ADJECTIVES = {
    "dark": _words(
        "Ashen Blackened Buried Crooked Drowned Eyeless Faceless Gaunt Hollow Hushed Moonless"
        " Nameless Pallid Restless Rusted Sleepless Splintered Sunken Unlit Withered"
    ),
    "bold": _words(
        "Blazing Brazen Burning Copper Defiant Endless Fearless Gilded Howling Ironclad Molten"
        " Reckless Relentless Roaring Scarlet Stormbound Thundering Unbroken Untamed Wandering"
    ),
    "bright": _words(
        "Absurd Barefoot Bouncing Cheerful Clumsy Dizzy Fidgety Giddy Grumpy Jolly Lopsided"
        " Muddled Peculiar Polka-Dot Runaway Sleepy Sneezing Ticklish Upside-Down Wobbly"
    ),
    "tender": _words(
        "Amber Borrowed Distant Faded Forgiving Gentle Half-Open Late Lilac Linen Patient"
        " Quiet Salted Silver Slow Tender Unfinished Unposted Velvet Windblown"
    ),
}
NOUNS = {
    "dark": _words(
        "Alibi Attic Bellringer Cellar Culvert Debt Echo Footprint Gravedigger Gutter Keyhole"
        " Ledger Marionette Mirror Needle Pathologist Quarry Ransom Sluice Staircase Tollhouse"
        " Undertow Warden Witness"
    ),
    "bold": _words(
        "Armada Bastion Citadel Comet Compass Corsair Courier Dynamo Expedition Frontier"
        " Gauntlet Harpoon Juggernaut Lancer Meridian Outrider Paladin Rampart Regiment Sabre"
        " Squadron Talisman Vanguard Zeppelin"
    ),
    "bright": _words(
        "Accordion Badger Bakery Bathtub Caravan Choir Cupboard Custard Dachshund Gardener"
        " Hedgehog Holiday Kettle Landlady Marmalade Mustache Pancake Parade Picnic Postman"
        " Scooter Trombone Umbrella Wedding"
    ),
    "tender": _words(
        "Apricot Bookbinder Canal Cartographer Clockmaker Cottage Daughter Ferry Garden Harvest"
        " Lighthouse Lullaby Meadow Orchard Photograph Pianist Promise River Seamstress Suitcase"
        " Telegram Veranda Vineyard Windowsill"
    ),
}
PLACE_STARTS = _words(
    "Aln Bex Cor Dun Els Fen Gar Hol Ister Kel Lor Mar Nor Ost Pen Quill Rav Sel Tarn Ul"
)
PLACE_ENDS = _words(
    "by combe dale ford gate ham haven mere more ness port rick stead ton wick wold"
)
FIRST_NAMES = _words(
    "Ada Alma Anouk Anton Basil Beatrix Benedek Bruno Calla Casimir Celeste Cosmo Dagny Dario"
    " Delphine Desmond Edda Elio Emeka Enid Farah Felix Fern Gideon Greta Gustav Hana Hector Ilsa"
    " Imani Ivo Jacinta Jonah Juno Kamal Keiko Klara Lars Leonie Lucian Mabel Magnus Marisol Milo"
    " Nadia Nico Noor Odile Omar Orla Oskar Petra Quentin Rafe Renata Rosalind Rufus Saoirse Selim"
    " Sigrid Stellan Sunniva Tamsin Thora Tobias Uma Ursula Valdis Vera Viggo Wanda Wilhelm Xenia"
    " Yara Yusuf Zelda"
)
MIDDLES = ["" for _ in range(120)] + [f"{letter}. " for letter in "ABCDEFGHJKLMNPRSTVW"]
SURNAME_STARTS = _words(
    "Abern Bram Calder Dormer Eskel Farrow Gallow Hask Ingle Jarro Kessel Lind Madd Nyber Okon"
    " Pellan Quarrin Rosen Sall Trem Ulver Vantor Wexel Yarrin Zimmer Orrin Brenn Castel Devin"
    " Hollin Marren Norval Penrod Stav Thorn Verrin"
)
SURNAME_ENDS = _words(
    "ade akis brook by ell ero field gard idge ike in ley lund mont ova quist ski ström wood yama"
)
PATTERNS = (  # as often as they stand here
    ["The {adjective} {noun}"] * 6
    + ["{adjective} {noun}"] * 4
    + ["The {noun} of {place}", "The {noun} and the {other}", "The {place} {noun}"] * 3
    + ["{name} and the {noun}", "{name}'s {noun}", "A {noun} in {place}"] * 2
    + ["The {noun} at {place}", "{adjective} {place}", "{name} of {place}"]
    + ["Goodbye, {place}", "{number} Days in {place}", "Letters from {place}"]
    + ["What {name} Knew", "A {noun} for {name}", "The {adjective} {noun} of {place}"]
)
SUBTITLES = [
    "Aftermath",
    "Ashes of {place}",
    "Beyond {place}",
    "Daybreak",
    "Homecoming",
    "Last Light",
    "New Roads",
    "No Way Back",
    "Reckoning",
    "Return to {place}",
    "Rise of {place}",
    "Sons of {place}",
    "The {adjective} Year",
    "The {noun} Awakens",
    "The Long Night",
    "The Lost {noun}",
    "The Road to {place}",
    "The {place} Affair",
]
