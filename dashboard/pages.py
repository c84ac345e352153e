"""Every page, once: its address, title, icon and section. To add a page: a file in app_pages/ and a line here."""

from enum import Enum, unique


@unique
class Page(Enum):
    """The pages in the order of the navigation; a page's file is named as its member, in small letters."""

    EXPLORE = ("", "Explore", ":material/monitoring:", "")
    ACCURACY = ("accuracy", "Accuracy", ":material/show_chart:", "Results")
    UNCERTAINTY = ("uncertainty", "Uncertainty", ":material/psychology:", "Results")
    EXPERIMENTS = ("experiments", "Experiments", ":material/science:", "Results")
    LEADERBOARD = ("leaderboard", "Leaderboard", ":material/leaderboard:", "Results")
    HARDWARE = ("hardware", "Hardware", ":material/memory_alt:", "Results")
    WEIGHTS = ("weights", "Weights", ":material/scatter_plot:", "Results")
    CLAIMS = ("claims", "Claims", ":material/fact_check:", "Results")
    CHIP = ("chip", "One chip", ":material/memory:", "Chips")
    VOTES = ("votes", "One input", ":material/how_to_vote:", "Chips")
    SLICES = ("slices", "Bit slices", ":material/stacked_bar_chart:", "Chips")
    SCHEMES = ("schemes", "Mapping and programming", ":material/account_tree:", "Chips")
    PREVIEW = ("preview", "Preview", ":material/bolt:", "Chips")
    WORST_CASE = ("worst_case", "Worst case", ":material/crisis_alert:", "Chips")
    DEVICES = ("devices", "Devices", ":material/inventory_2:", "Chips")
    DEVICE = ("device", "Your device", ":material/developer_board:", "Chips")
    TRAIN = ("train", "Train", ":material/play_circle:", "Runs")
    COMPARE = ("compare", "Compare", ":material/compare_arrows:", "Runs")
    RUNS = ("runs", "All runs", ":material/table_rows:", "Runs")
    SHARE = ("share", "Share and import", ":material/ios_share:", "Runs")
    LEARN = ("learn", "Lessons", ":material/school:", "Learn")
    WORKSHEET = ("worksheet", "Worksheet", ":material/assignment:", "Learn")
    GLOSSARY = ("glossary", "Glossary", ":material/menu_book:", "Learn")

    def __init__(self, path: str, title: str, icon: str, section: str) -> None:
        self.path = path
        """Where it lies below the server's address; the landing page has no name of its own."""
        self.title = title
        self.icon = icon
        self.section = section
        """Of the navigation."""

    @property
    def file(self) -> str:
        """Its script, beside app.py."""
        return f"app_pages/{self.name.lower()}.py"
